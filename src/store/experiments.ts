/** Experiments: a question and the runs that answer it. */
import { fail } from '../errors.ts';
import type { Experiment } from './generated/client.ts';
import { newId } from './ids.ts';
import { afterCursor, toPage, type Page, type PageRequest } from './page.ts';
import { LIVE } from './statuses.ts';
import { isUniqueViolation, toJson, type Store } from './store.ts';

export interface ExperimentRecord extends Omit<Experiment, 'activeName' | 'tags'> {
  readonly tags: Record<string, string>;
}
export interface NewExperiment {
  readonly name: string;
  readonly hypothesis?: string | null | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** @throws EXPERIMENT_NAME_TAKEN */
export async function createExperiment(store: Store, { name, hypothesis = null, tags = {} }: NewExperiment): Promise<ExperimentRecord> {
  try {
    return toRecord(await store.experiment.create({ data: { experimentId: newId('exp'), name, activeName: name, hypothesis, tags: toJson(tags) } }));
  } catch (error) {
    if (isUniqueViolation(error)) throw fail('EXPERIMENT_NAME_TAKEN', { name });
    throw error;
  }
}

/** By id, else by name. */
export async function findExperiment(store: Store, idOrName: string): Promise<ExperimentRecord | null> {
  const row =
    (await store.experiment.findFirst({ where: { experimentId: idOrName, deletedAt: null } })) ?? (await store.experiment.findUnique({ where: { activeName: idOrName } }));
  return row === null ? null : toRecord(row);
}

/** @throws EXPERIMENT_NOT_FOUND for an id that names nothing; a new name is created */
export async function findOrCreateExperiment(store: Store, idOrName: string): Promise<ExperimentRecord> {
  const known = await findExperiment(store, idOrName);
  if (known !== null) return known;
  if (idOrName.startsWith('exp_')) throw fail('EXPERIMENT_NOT_FOUND', { experimentId: idOrName });
  try {
    return await createExperiment(store, { name: idOrName });
  } catch (error) {
    const other = await findExperiment(store, idOrName); // made by another process in between
    if (other !== null) return other;
    throw error;
  }
}

export async function listExperiments(store: Store, { limit, cursor }: PageRequest): Promise<Page<ExperimentRecord>> {
  const rows = await store.experiment.findMany({
    where: { deletedAt: null, ...afterCursor(cursor, 'experimentId') },
    orderBy: [{ createdAt: 'desc' }, { experimentId: 'desc' }],
    take: limit + 1,
  });
  const { items, nextCursor } = toPage(rows, limit, (row) => row.experimentId);
  return { items: items.map(toRecord), nextCursor };
}

/** @throws EXPERIMENT_NOT_FOUND, EXPERIMENT_NAME_TAKEN */
export async function updateExperiment(store: Store, experimentId: string, { name, hypothesis, tags }: Partial<NewExperiment>): Promise<ExperimentRecord> {
  const known = await findExperiment(store, experimentId);
  if (known === null) throw fail('EXPERIMENT_NOT_FOUND', { experimentId });
  const data = { ...(name !== undefined && { name, activeName: name }), ...(hypothesis !== undefined && { hypothesis }), ...(tags !== undefined && { tags: toJson(tags) }) };
  try {
    return toRecord(await store.experiment.update({ where: { experimentId: known.experimentId }, data }));
  } catch (error) {
    if (isUniqueViolation(error)) throw fail('EXPERIMENT_NAME_TAKEN', { name: name ?? '' });
    throw error;
  }
}

/** Its runs stay; its name is free again. @throws EXPERIMENT_NOT_FOUND, EXPERIMENT_IN_USE naming a live run */
export async function deleteExperiment(store: Store, idOrName: string): Promise<void> {
  const experimentId = (await findExperiment(store, idOrName))?.experimentId ?? idOrName;
  await store.$transaction(async (transaction) => {
    // stronger than the lock of `createRuns`: no run slips in between the check and the deletion
    const locked = await transaction.$queryRaw<unknown[]>`select 1 from "Experiment" where "experimentId" = ${experimentId} and "deletedAt" is null for update`;
    if (locked.length === 0) throw fail('EXPERIMENT_NOT_FOUND', { experimentId: idOrName });
    const live = await transaction.run.findFirst({ where: { experimentId, deletedAt: null, status: { in: LIVE } } });
    if (live !== null) throw fail('EXPERIMENT_IN_USE', { experimentId, runId: live.runId });
    await transaction.experiment.update({ where: { experimentId }, data: { deletedAt: new Date(), activeName: null } });
  });
}

function toRecord({ activeName: _, tags, ...row }: Experiment): ExperimentRecord {
  return { ...row, tags: tags as Record<string, string> };
}
