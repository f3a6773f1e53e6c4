/**
 * Row locks of transactions that rely on other rows. Deletions take FOR UPDATE before they check that nothing live needs the row; who comes to
 * need it takes FOR KEY SHARE here, which shares, and lets the row be written otherwise. Whichever comes second sees what the first has done.
 */
import { fail } from '../errors.ts';
import type { Transaction } from './store.ts';

/** @throws EXPERIMENT_NOT_FOUND */
export async function lockExperiment(transaction: Transaction, experimentId: string): Promise<void> {
  const rows = await transaction.$queryRaw<unknown[]>`select 1 from "Experiment" where "experimentId" = ${experimentId} and "deletedAt" is null for key share`;
  if (rows.length === 0) throw fail('EXPERIMENT_NOT_FOUND', { experimentId });
}

/** @throws DATASET_NOT_FOUND */
export async function lockDatasets(transaction: Transaction, ids: readonly string[]): Promise<void> {
  for (const datasetId of inOrder(ids)) {
    const rows = await transaction.$queryRaw<unknown[]>`select 1 from "Dataset" where "datasetId" = ${datasetId} and "deletedAt" is null for key share`;
    if (rows.length === 0) throw fail('DATASET_NOT_FOUND', { datasetId });
  }
}

/** @throws TEACHER_NOT_FOUND */
export async function lockTeachers(transaction: Transaction, runIds: readonly string[]): Promise<void> {
  for (const id of inOrder(runIds)) {
    const rows = await transaction.$queryRaw<unknown[]>`select 1 from "Run" where "runId" = ${id} and "deletedAt" is null for key share`;
    if (rows.length === 0) throw fail('TEACHER_NOT_FOUND', { id });
  }
}

/** Whether this attempt may still write. The row stays locked, as by an UPDATE (see migration 003), until the transaction ends. */
export async function isCurrent(transaction: Transaction, { runId, attempt }: { runId: string; attempt: number }): Promise<boolean> {
  const rows = await transaction.$queryRaw<unknown[]>`
    select 1 from "Run" where "runId" = ${runId} and attempt = ${attempt} and status in ('running', 'cancelling') for no key update`;
  return rows.length > 0;
}

/** Each once, in an order that all transactions share: two never wait for each other. */
function inOrder(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort();
}
