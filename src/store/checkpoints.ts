/** Rows of checkpoints; weights and manifest lie in artifact storage. */
import type { Checkpoint } from './generated/client.ts';
import { isCurrent } from './locks.ts';
import { toJson, type Store } from './store.ts';

export interface CheckpointRecord extends Omit<Checkpoint, 'sizeBytes'> {
  readonly sizeBytes: number;
}
export interface NewCheckpoint extends Omit<CheckpointRecord, 'createdAt' | 'manifest'> {
  readonly attempt: number;
  readonly manifest: object;
}

/**
 * The same weights of a step are one row: what an attempt chooses that one before had chosen keeps its id, which others may name, and says
 * now what this one says of it. So it may be tried again when the answer was lost. @returns the row's id; null when the run has moved on
 */
export async function createCheckpoint(store: Store, { attempt, sizeBytes, manifest, ...row }: NewCheckpoint): Promise<string | null> {
  return store.$transaction(async (transaction) => {
    if (!(await isCurrent(transaction, { runId: row.runId, attempt }))) return null;
    const { runId, step, digest, isBest, isLast } = row;
    // one best and one last checkpoint a run
    if (isBest) await transaction.checkpoint.updateMany({ where: { runId }, data: { isBest: false } });
    if (isLast) await transaction.checkpoint.updateMany({ where: { runId }, data: { isLast: false } });
    const former = await transaction.checkpoint.findUnique({ where: { runId_step_digest: { runId, step, digest } }, select: { checkpointId: true } });
    const checkpointId = former?.checkpointId ?? row.checkpointId;
    const chosen = { isBest, isLast, manifest: toJson({ ...manifest, checkpointId }), createdAt: new Date() };
    await transaction.checkpoint.upsert({ where: { checkpointId }, create: { ...row, ...chosen, sizeBytes: BigInt(sizeBytes) }, update: chosen });
    return checkpointId;
  });
}

export async function findCheckpoint(store: Store, checkpointId: string): Promise<CheckpointRecord | null> {
  const row = await store.checkpoint.findFirst({ where: { checkpointId, run: { deletedAt: null } } });
  return row === null ? null : toRecord(row);
}

/** The one that the run's selection chose. */
export async function bestCheckpoint(store: Store, runId: string): Promise<CheckpointRecord | null> {
  const row = await store.checkpoint.findFirst({ where: { runId }, orderBy: [{ isBest: 'desc' }, { createdAt: 'desc' }] });
  return row === null ? null : toRecord(row);
}

/** In order of step. */
export async function listCheckpoints(store: Store, runId: string): Promise<CheckpointRecord[]> {
  const rows = await store.checkpoint.findMany({ where: { runId }, orderBy: [{ step: 'asc' }, { createdAt: 'asc' }] });
  return rows.map(toRecord);
}

function toRecord({ sizeBytes, ...row }: Checkpoint): CheckpointRecord {
  return { ...row, sizeBytes: Number(sizeBytes) };
}
