/** Rows of runs: the record of what was asked, what state a run is in, and who may write about it. */
import type { TrainingOptions } from '../schemas/options.ts';
import { fail } from '../errors.ts';
import { toRecord as toDataset, type DatasetRecord } from './datasets.ts';
import { addEvent } from './events.ts';
import type { Dataset, Prisma, Run, RunDataset, RunKind, RunStatus, RunTeacher, Transition } from './generated/client.ts';
import { lockDatasets, lockExperiment, lockTeachers } from './locks.ts';
import type { Page, PageRequest } from './page.ts';
import { dropResumePoint } from './resume-points.ts';
import { afterPosition, cursorAfter, NEWEST_FIRST, orderOf, whereOf, type Condition, type RunSort } from './run-query.ts';
import { LIVE, TERMINAL } from './statuses.ts';
import { toJson, type Store, type StoreOrTransaction, type Transaction } from './store.ts';

export type { RunKind, RunStatus } from './generated/client.ts';

export interface NewRun {
  readonly runId: string;
  readonly experimentId: string;
  readonly kind: RunKind;
  readonly status: 'waiting' | 'queued';
  readonly name: string;
  readonly encoderId: string;
  readonly encoderDigest: string;
  readonly requested: object;
  readonly options: TrainingOptions;
  readonly seed: number;
  readonly priority: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly datasets: readonly { readonly role: string; readonly datasetId: string }[];
  readonly teachers: readonly { readonly role: string; readonly teacherRunId: string; readonly checkpointId: string | null }[];
}

export interface RunRecord extends Omit<Run, 'options' | 'tags' | 'versions' | 'deletedAt'> {
  readonly options: TrainingOptions;
  readonly tags: Record<string, string>;
  readonly versions: Record<string, string>;
  readonly experimentName: string;
  readonly datasets: readonly { readonly role: string; readonly dataset: DatasetRecord }[];
  readonly teachers: readonly { readonly role: string; readonly teacherRunId: string; readonly checkpointId: string | null }[];
  readonly transitions: readonly { readonly status: RunStatus; readonly at: Date; readonly reason: string | null; readonly attempt: number }[];
}

const WITH_ALL = {
  experiment: { select: { name: true } },
  datasets: { orderBy: { position: 'asc' }, include: { dataset: true } },
  teachers: { orderBy: [{ role: 'desc' }, { position: 'asc' }] },
  transitions: { orderBy: { transitionId: 'asc' } },
} satisfies Prisma.RunInclude;

type Row = Run & {
  experiment: { name: string };
  datasets: (RunDataset & { dataset: Dataset })[];
  teachers: RunTeacher[];
  transitions: Transition[];
};

/**
 * All or none. `within` writes into the same transaction: the queue's jobs.
 * @throws EXPERIMENT_NOT_FOUND, DATASET_NOT_FOUND, TEACHER_NOT_FOUND for what was deleted meanwhile
 */
export async function createRuns(store: Store, runs: readonly NewRun[], { within }: { within?: (transaction: Transaction) => Promise<void> } = {}): Promise<void> {
  await store.$transaction(async (transaction) => {
    for (const { datasets, teachers, requested, options, tags, ...run } of runs) {
      await lockExperiment(transaction, run.experimentId);
      await lockDatasets(transaction, datasets.map(({ datasetId }) => datasetId));
      await lockTeachers(transaction, teachers.map(({ teacherRunId }) => teacherRunId));
      await transaction.run.create({
        data: {
          ...run,
          requested: toJson(requested),
          options: toJson(options),
          tags: toJson(tags),
          datasets: { create: datasets.map((dataset, position) => ({ ...dataset, position })) },
          teachers: { create: teachers.map((teacher, position) => ({ ...teacher, position })) },
          transitions: { create: { status: run.status, attempt: 0 } },
        },
      });
      await addEvent(transaction, { runId: run.runId, level: 'info', type: 'transition', message: `${run.kind} ${run.status}`, data: { status: run.status } });
    }
    await within?.(transaction);
  });
}

export async function findRun(store: StoreOrTransaction, runId: string): Promise<RunRecord | null> {
  const row = await store.run.findFirst({ where: { runId, deletedAt: null }, include: WITH_ALL });
  return row === null ? null : toRecord(row);
}

export interface RunFilter {
  readonly experimentId?: string | undefined;
  readonly kind?: RunKind | undefined;
  readonly status?: RunStatus | undefined;
  /** All of them hold. */
  readonly conditions?: readonly Condition[] | undefined;
  readonly sort?: RunSort | undefined;
}

export async function listRuns(
  store: Store,
  { limit, cursor, experimentId, kind, status, conditions = [], sort = NEWEST_FIRST }: PageRequest & RunFilter,
): Promise<Page<RunRecord>> {
  const filter = { ...(experimentId && { experimentId }), ...(kind && { kind }), ...(status && { status }) };
  const rows = await store.run.findMany({
    where: { deletedAt: null, ...filter, AND: [...whereOf(conditions), afterPosition(cursor, sort)] },
    orderBy: orderOf(sort),
    take: limit + 1,
    include: WITH_ALL,
  });
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items: items.map(toRecord), nextCursor: rows.length > limit && last !== undefined ? cursorAfter(last, sort) : null };
}

/** What a stream of events asks again and again. */
export async function statusOfRun(store: Store, runId: string): Promise<RunStatus | null> {
  return (await store.run.findFirst({ where: { runId, deletedAt: null }, select: { status: true } }))?.status ?? null;
}

export async function countRuns(store: Store): Promise<{ status: RunStatus; count: number }[]> {
  const groups = await store.run.groupBy({ by: ['status'], where: { deletedAt: null }, _count: true });
  return groups.map(({ status, _count }) => ({ status, count: _count }));
}

/** All of them, oldest first. */
export async function listRunsByStatus(store: Store, statuses: readonly RunStatus[]): Promise<RunRecord[]> {
  const rows = await store.run.findMany({ where: { deletedAt: null, status: { in: [...statuses] } }, orderBy: [{ createdAt: 'asc' }, { runId: 'asc' }], include: WITH_ALL });
  return rows.map(toRecord);
}

/** Students that wait for this run. */
export async function waitingStudents(store: Store, teacherRunId: string): Promise<{ runId: string }[]> {
  return store.run.findMany({ where: { status: 'waiting', deletedAt: null, teachers: { some: { teacherRunId } } }, select: { runId: true } });
}

/** Ended runs only. @throws RUN_NOT_FOUND, RUN_IN_USE for a live run or a teacher that a live student needs */
export async function deleteRun(store: Store, runId: string): Promise<void> {
  await store.$transaction(async (transaction) => {
    // stronger than the locks of `createRuns` and `putModel`: no student and no alias slips in after the checks
    const [run] = await transaction.$queryRaw<{ status: RunStatus }[]>`select status::text as status from "Run" where "runId" = ${runId} and "deletedAt" is null for update`;
    if (run === undefined) throw fail('RUN_NOT_FOUND', { runId });
    const student = await transaction.run.findFirst({ where: { status: { in: LIVE }, teachers: { some: { teacherRunId: runId } } } });
    if (LIVE.includes(run.status)) throw fail('RUN_IN_USE', { runId, detail: `it is ${run.status}; cancel it first` });
    if (student !== null) throw fail('RUN_IN_USE', { runId, detail: `the student ${student.runId} learns from it` });
    const served = await transaction.model.findFirst({ where: { checkpoint: { runId } } });
    if (served !== null) throw fail('RUN_IN_USE', { runId, detail: `the model ${served.alias} points at it` });
    await transaction.run.update({ where: { runId }, data: { deletedAt: new Date() } });
    // nothing resumes it any more; its artifacts are left to whoever collects what no row names
    await dropResumePoint(transaction, runId);
  });
}

export interface Move {
  readonly runId: string;
  readonly from: readonly RunStatus[];
  readonly to: RunStatus;
  readonly reason?: string | undefined;
  /** Refuses the move when the run is in another attempt by now. */
  readonly attempt?: number | undefined;
  /** Of the event. Default: error for a failure, else info. */
  readonly level?: 'warn' | undefined;
  readonly failure?: { readonly code: string; readonly detail: string } | undefined;
  readonly set?: { readonly maxAttempts?: number; readonly batchParts?: number; readonly kills?: number } | undefined;
  readonly within?: ((transaction: Transaction) => Promise<void>) | undefined;
}

/** A guarded UPDATE with its transition and event, in one transaction. @returns false where the run is in none of `from` */
export async function moveRun(store: Store, { runId, from, to, reason, attempt, level, failure, set, within }: Move): Promise<boolean> {
  return store.$transaction(async (transaction) => {
    const isTerminal = TERMINAL.includes(to);
    const { count } = await transaction.run.updateMany({
      where: { runId, deletedAt: null, status: { in: [...from] }, ...(attempt !== undefined && { attempt }) },
      data: {
        status: to,
        ...set,
        endedAt: isTerminal ? new Date() : null,
        failureCode: failure?.code ?? null,
        failureDetail: failure?.detail ?? null,
        ...(to === 'succeeded' && { etaSeconds: 0 }),
        ...((to === 'queued' || isTerminal) && { worker: null }),
      },
    });
    if (count === 0) return false;
    await recordMove(transaction, { runId, to, reason, failure, level });
    await within?.(transaction);
    return true;
  });
}

/**
 * Gives the run to a worker: queued becomes running with the next attempt. A run that has used its attempts fails as lost.
 * @returns null where there is nothing to begin
 */
export async function beginAttempt(store: Store, { runId, worker, device }: { runId: string; worker: string; device: string }): Promise<{ attempt: number } | null> {
  return store.$transaction(async (transaction) => {
    // the row is locked (as an UPDATE would, see migration 003): two workers that were given the same job begin one after the other
    const [row] = await transaction.$queryRaw<{ status: RunStatus; attempt: number; maxAttempts: number }[]>`
      select status::text as status, attempt, "maxAttempts" from "Run" where "runId" = ${runId} and "deletedAt" is null for no key update`;
    if (row?.status !== 'queued') return null;
    if (row.attempt >= row.maxAttempts) {
      const failure = { code: 'LOST', detail: `its worker was lost ${row.attempt} times` };
      await transaction.run.update({ where: { runId }, data: { status: 'failed', endedAt: new Date(), worker: null, failureCode: failure.code, failureDetail: failure.detail } });
      await recordMove(transaction, { runId, to: 'failed', reason: failure.detail, failure });
      return null;
    }
    const attempt = row.attempt + 1;
    const now = new Date();
    await transaction.run.update({
      where: { runId },
      data: { status: 'running', attempt, worker, device, step: 0, epoch: 0, loss: null, piecesPerSecond: null, etaSeconds: null, ...(attempt === 1 && { startedAt: now }) },
    });
    // what an attempt that was cut off has left would mix with this one's; metrics go when it is known from which step this one goes on
    await transaction.score.deleteMany({ where: { runId } });
    await transaction.scoreVariant.deleteMany({ where: { runId } });
    await recordMove(transaction, { runId, to: 'running', reason: attempt > 1 ? `attempt ${attempt}` : undefined });
    return { attempt };
  });
}

async function recordMove(
  transaction: Transaction,
  { runId, to, reason, failure, level }: { runId: string; to: RunStatus; reason?: string | undefined; failure?: Move['failure']; level?: Move['level'] },
): Promise<void> {
  const { attempt } = await transaction.run.findUniqueOrThrow({ where: { runId }, select: { attempt: true } });
  await transaction.transition.create({ data: { runId, status: to, reason: reason ?? null, attempt } });
  const message = reason === undefined ? to : `${to}: ${reason}`;
  const data = { status: to, attempt, ...(reason !== undefined && { reason }), ...(failure !== undefined && { failure }) };
  await addEvent(transaction, { runId, level: level ?? (to === 'failed' ? 'error' : 'info'), type: to === 'failed' ? 'failure' : 'transition', message, data });
}

export interface Progress {
  readonly runId: string;
  readonly attempt: number;
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  readonly loss: number;
  readonly piecesPerSecond: number;
  readonly etaSeconds: number;
}

/** @returns false when the run has moved on: another attempt, or no longer running */
export async function reportProgress(store: Store, { runId, attempt, ...progress }: Progress): Promise<boolean> {
  return store.$transaction(async (transaction) => {
    const { count } = await transaction.run.updateMany({ where: fence(runId, attempt), data: progress });
    if (count === 0) return false;
    const { step, steps, loss } = progress;
    await addEvent(transaction, { runId, level: 'info', type: 'progress', message: `step ${step} of ${steps}, loss ${loss.toFixed(4)}`, data: progress });
    return true;
  });
}

/** What ran it; false when the run has moved on. */
export async function describeRun(
  store: Store,
  { runId, attempt, device, backend, versions }: { runId: string; attempt: number; device: string; backend: string; versions: Readonly<Record<string, string>> },
): Promise<boolean> {
  const { count } = await store.run.updateMany({ where: fence(runId, attempt), data: { device, backend, versions: toJson(versions) } });
  return count > 0;
}

function fence(runId: string, attempt: number): Prisma.RunWhereInput {
  return { runId, attempt, status: { in: ['running', 'cancelling'] } };
}

function toRecord({ experiment, datasets, teachers, transitions, options, tags, versions, deletedAt: _, ...row }: Row): RunRecord {
  return {
    ...row,
    options: options as TrainingOptions,
    tags: tags as Record<string, string>,
    versions: versions as Record<string, string>,
    experimentName: experiment.name,
    datasets: datasets.map(({ role, dataset }) => ({ role, dataset: toDataset(dataset) })),
    teachers: teachers.map(({ role, teacherRunId, checkpointId }) => ({ role, teacherRunId, checkpointId })),
    transitions: transitions.map(({ status, at, reason, attempt }) => ({ status, at, reason, attempt })),
  };
}
