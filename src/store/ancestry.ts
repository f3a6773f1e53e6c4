/** What a run learned from, for ever: deleted runs and datasets keep their rows, and their traces are in the weights of all that learned from them. */
import type { TrainingOptions } from '../schemas/options.ts';
import { toRecord as toDataset, type DatasetRecord } from './datasets.ts';
import type { RunKind } from './generated/client.ts';
import type { Store } from './store.ts';

export interface LearnedRun {
  readonly runId: string;
  readonly kind: RunKind;
  readonly options: TrainingOptions;
  readonly datasets: readonly { readonly role: string; readonly dataset: DatasetRecord }[];
  /** Recognizers before evaluators, each in the order of the request. */
  readonly teachers: readonly TeacherOfRun[];
}

export interface TeacherOfRun {
  readonly role: string;
  readonly teacherRunId: string;
  /** Null: the run's best. */
  readonly checkpointId: string | null;
}

/** @throws Prisma's P2025 for an id that never was one: rows that name a run keep it from going */
export async function findLearned(store: Store, runId: string): Promise<LearnedRun> {
  const { kind, options, datasets, teachers } = await store.run.findUniqueOrThrow({
    where: { runId },
    include: { datasets: { orderBy: { position: 'asc' }, include: { dataset: true } }, teachers: { orderBy: [{ role: 'desc' }, { position: 'asc' }] } },
  });
  return {
    runId,
    kind,
    options: options as TrainingOptions,
    datasets: datasets.map(({ role, dataset }) => ({ role, dataset: toDataset(dataset) })),
    teachers: teachers.map(({ role, teacherRunId, checkpointId }) => ({ role, teacherRunId, checkpointId })),
  };
}

/** The manifest of the checkpoint that taught; null where there is none yet, or no longer. */
export async function manifestOfTeacher(store: Store, { teacherRunId: runId, checkpointId }: TeacherOfRun): Promise<unknown> {
  const row = await store.checkpoint.findFirst({ where: { runId, ...(checkpointId !== null && { checkpointId }) }, orderBy: [{ isBest: 'desc' }, { createdAt: 'desc' }], select: { manifest: true } });
  return row?.manifest ?? null;
}
