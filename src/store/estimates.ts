/** F1 that runs are estimated to have on languages without labels, one row a language. */
import type { Estimate } from './generated/client.ts';
import { isCurrent } from './locks.ts';
import type { Store } from './store.ts';

export type EstimateRecord = Omit<Estimate, 'createdAt'>;
export type NewEstimate = Omit<EstimateRecord, 'runId'>;

/** Replaces what the run has for the same language. @returns false when the run has moved on */
export async function saveEstimate(store: Store, run: { runId: string; attempt: number }, row: NewEstimate): Promise<boolean> {
  return store.$transaction(async (transaction) => {
    if (!(await isCurrent(transaction, run))) return false;
    const { runId } = run;
    await transaction.estimate.deleteMany({ where: { runId, language: row.language } });
    await transaction.estimate.create({ data: { ...row, runId } });
    return true;
  });
}

export async function listEstimates(store: Store, runId: string, { language }: { language?: string | undefined } = {}): Promise<EstimateRecord[]> {
  const rows = await store.estimate.findMany({ where: { runId, ...(language !== undefined && { language }) }, orderBy: { language: 'asc' } });
  return rows.map(({ createdAt: _, ...row }) => row);
}
