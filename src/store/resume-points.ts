/** Rows of resume points: one a run. What they name lies in artifact storage. */
import type { ResumePoint } from './generated/client.ts';
import { isCurrent } from './locks.ts';
import { toJson, type Store, type Transaction } from './store.ts';

export interface ResumePointRecord extends Omit<ResumePoint, 'sizeBytes' | 'createdAt'> {
  readonly sizeBytes: number;
}
export interface NewResumePoint extends Omit<ResumePointRecord, 'progress' | 'identity' | 'writtenBy'> {
  readonly progress: object;
  readonly identity: object;
  readonly writtenBy: Readonly<Record<string, string>>;
}

export async function findResumePoint(store: Store, runId: string): Promise<ResumePointRecord | null> {
  const row = await store.resumePoint.findUnique({ where: { runId } });
  return row === null ? null : { ...row, sizeBytes: Number(row.sizeBytes) };
}

/** Takes the place of the run's former point. @returns that one's artifacts; null, and nothing is written, when the run has moved on */
export async function putResumePoint(store: Store, { runId, ...point }: NewResumePoint): Promise<string[] | null> {
  return store.$transaction(async (transaction) => {
    if (!(await isCurrent(transaction, { runId, attempt: point.attempt }))) return null;
    const former = await storageKeys(transaction, runId);
    const { sizeBytes, progress, identity, writtenBy, ...rest } = point;
    const data = { ...rest, sizeBytes: BigInt(sizeBytes), progress: toJson(progress), identity: toJson(identity), writtenBy: toJson(writtenBy), createdAt: new Date() };
    await transaction.resumePoint.upsert({ where: { runId }, create: { runId, ...data }, update: data });
    return former;
  });
}

/** @returns artifacts that no row names any more */
export async function dropResumePoint(transaction: Transaction, runId: string): Promise<string[]> {
  const former = await storageKeys(transaction, runId);
  await transaction.resumePoint.deleteMany({ where: { runId } });
  return former;
}

/** Forgets what an attempt that was cut off has told after a step, which would mix with this one's. @returns false when the run has moved on */
export async function rewindRun(store: Store, { runId, attempt, step }: { runId: string; attempt: number; step: number }): Promise<boolean> {
  return store.$transaction(async (transaction) => {
    if (!(await isCurrent(transaction, { runId, attempt }))) return false;
    await transaction.metric.deleteMany({ where: { runId, step: { gt: step } } });
    await transaction.run.update({ where: { runId }, data: { step } });
    return true;
  });
}

async function storageKeys(transaction: Transaction, runId: string): Promise<string[]> {
  const point = await transaction.resumePoint.findUnique({ where: { runId }, select: { storageKeys: true } });
  return point?.storageKeys ?? [];
}
