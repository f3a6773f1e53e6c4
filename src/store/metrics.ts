/** The history of numbers that a run gives. */
import { isCurrent } from './locks.ts';
import type { Store } from './store.ts';

export interface MetricRow {
  readonly name: string;
  readonly step: number;
  /** Not finite: null. */
  readonly value: number | null;
  readonly language?: string | undefined;
  readonly split?: string | undefined;
}
export interface MetricRecord extends Required<Omit<MetricRow, 'language' | 'split'>> {
  readonly language: string;
  readonly split: string;
  readonly at: Date;
}

/** @returns false when the run has moved on; nothing is written then */
export async function addMetrics(store: Store, run: { runId: string; attempt: number }, rows: readonly MetricRow[]): Promise<boolean> {
  return store.$transaction(async (transaction) => {
    if (!(await isCurrent(transaction, run))) return false;
    const data = rows.map(({ name, step, value, language = '', split = '' }) => ({ runId: run.runId, name, step, language, split, value: Number.isFinite(value) ? value : null }));
    await transaction.metric.createMany({ data, skipDuplicates: true });
    return true;
  });
}

export async function listMetrics(store: Store, runId: string, { name, language, split }: { name?: string | undefined; language?: string | undefined; split?: string | undefined } = {}): Promise<MetricRecord[]> {
  const filter = { ...(name !== undefined && { name }), ...(language !== undefined && { language }), ...(split !== undefined && { split }) };
  const rows = await store.metric.findMany({ where: { runId, ...filter }, orderBy: [{ step: 'asc' }, { name: 'asc' }, { language: 'asc' }, { split: 'asc' }] });
  return rows.map(({ runId: _, ...row }) => row);
}
