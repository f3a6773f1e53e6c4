/** Aliases that /ner may name, with what they pointed at before. */
import { fail } from '../errors.ts';
import type { Store, Transaction } from './store.ts';

export const DEFAULT_ALIAS = 'default';

export interface ModelRecord {
  readonly alias: string;
  readonly checkpointId: string;
  readonly runId: string;
  readonly encoderId: string;
  readonly updatedAt: Date;
}
export interface ModelHistoryRecord {
  /** Null: the alias was deleted. */
  readonly checkpointId: string | null;
  readonly at: Date;
}

/** @throws CHECKPOINT_NOT_FOUND */
export async function putModel(store: Store, alias: string, checkpointId: string): Promise<void> {
  await store.$transaction(async (transaction) => {
    // the lock keeps the run from being deleted in between, see `deleteRun`
    const found = await transaction.$queryRaw<unknown[]>`
      select 1 from "Run" join "Checkpoint" using ("runId") where "checkpointId" = ${checkpointId} and "deletedAt" is null for key share of "Run"`;
    if (found.length === 0) throw fail('CHECKPOINT_NOT_FOUND', { checkpointId });
    await point(transaction, alias, checkpointId);
  });
}

/** For the first student that succeeds. @returns whether the alias was free */
export async function setDefaultIfNone(store: Store, checkpointId: string): Promise<boolean> {
  return store.$transaction(async (transaction) => {
    const { count } = await transaction.model.createMany({ data: [{ alias: DEFAULT_ALIAS, checkpointId, updatedAt: new Date() }], skipDuplicates: true });
    if (count > 0) await transaction.modelHistory.create({ data: { alias: DEFAULT_ALIAS, checkpointId } });
    return count > 0;
  });
}

export async function findModel(store: Store, alias: string): Promise<(ModelRecord & { history: ModelHistoryRecord[] }) | null> {
  const row = await store.model.findUnique({ where: { alias }, include: { checkpoint: { include: { run: true } } } });
  if (row === null) return null;
  const history = await store.modelHistory.findMany({ where: { alias }, orderBy: { historyId: 'desc' }, select: { checkpointId: true, at: true } });
  return { ...toRecord(row), history };
}

/** For what is asked now and then; requests to tag ask an `AliasReader`. */
export async function checkpointOfAlias(store: Store, alias: string): Promise<string | null> {
  return (await store.model.findUnique({ where: { alias }, select: { checkpointId: true } }))?.checkpointId ?? null;
}

export async function listModels(store: Store): Promise<ModelRecord[]> {
  const rows = await store.model.findMany({ orderBy: { alias: 'asc' }, include: { checkpoint: { include: { run: true } } } });
  return rows.map(toRecord);
}

/** @throws MODEL_NOT_FOUND */
export async function deleteModel(store: Store, alias: string): Promise<void> {
  await store.$transaction(async (transaction) => {
    const { count } = await transaction.model.deleteMany({ where: { alias } });
    if (count === 0) throw fail('MODEL_NOT_FOUND', { model: alias });
    await transaction.modelHistory.create({ data: { alias, checkpointId: null } });
  });
}

async function point(transaction: Transaction, alias: string, checkpointId: string): Promise<void> {
  await transaction.model.upsert({ where: { alias }, create: { alias, checkpointId }, update: { checkpointId } });
  await transaction.modelHistory.create({ data: { alias, checkpointId } });
}

function toRecord({ alias, checkpointId, updatedAt, checkpoint }: { alias: string; checkpointId: string; updatedAt: Date; checkpoint: { runId: string; run: { encoderId: string } } }): ModelRecord {
  return { alias, checkpointId, updatedAt, runId: checkpoint.runId, encoderId: checkpoint.run.encoderId };
}
