/** Counts of runs on datasets, one row a label. */
import type { Score } from './generated/client.ts';
import { isCurrent } from './locks.ts';
import type { Store } from './store.ts';

export type ScoreRecord = Omit<Score, 'createdAt'>;
export type NewScore = Omit<ScoreRecord, 'runId'>;

/** Replaces what the run has for the same dataset and label. @returns false when the run has moved on */
export async function saveScores(store: Store, run: { runId: string; attempt: number }, rows: readonly NewScore[]): Promise<boolean> {
  return store.$transaction(async (transaction) => {
    if (!(await isCurrent(transaction, run))) return false;
    const { runId } = run;
    await transaction.score.deleteMany({ where: { runId, OR: rows.map(({ datasetId, label }) => ({ datasetId, label })) } });
    await transaction.score.createMany({ data: rows.map((row) => ({ ...row, runId })) });
    return true;
  });
}

/** All labels ("" first) of all datasets, by run. */
export async function listScores(store: Store, runIds: readonly string[], { language, split }: { language?: string | undefined; split?: string | undefined } = {}): Promise<ScoreRecord[]> {
  const filter = { ...(language !== undefined && { language }), ...(split !== undefined && { split }) };
  const rows = await store.score.findMany({
    where: { runId: { in: [...runIds] }, ...filter },
    orderBy: [{ runId: 'asc' }, { language: 'asc' }, { split: 'asc' }, { datasetId: 'asc' }, { label: 'asc' }],
  });
  return rows.map(({ createdAt: _, ...row }) => row);
}
