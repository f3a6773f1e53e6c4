/** Checks a request against what is there, before any row is written: datasets, labels, encoder, teachers, options. */
import type { Config } from '../config.ts';
import { findEncoder, type InstalledEncoder } from '../encoders/registry.ts';
import { fail } from '../errors.ts';
import type { RequestedOptions, TrainingOptions } from '../schemas/options.ts';
import { findCheckpoint } from '../store/checkpoints.ts';
import { findDataset, type DatasetRecord } from '../store/datasets.ts';
import { findRun } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import { resolveOptions } from '../training/options.ts';
import type { RunKind } from '../training/request.ts';
import type { RunStatus } from './lifecycle.ts';

export const ROLES = ['train', 'dev', 'test', 'unlabeled'] as const;
export type Role = (typeof ROLES)[number];
export type TeacherRole = 'recognizer' | 'evaluator';

/** What every run is asked for. */
export interface RunRequest {
  readonly kind: RunKind;
  /** Id or name; a new name is created. Default: `default`. */
  readonly experiment?: string;
  readonly name?: string;
  readonly encoder?: string;
  readonly seed?: number;
  readonly priority?: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly datasets: Readonly<Partial<Record<Role, readonly string[]>>>;
  /** Ids of runs or checkpoints. */
  readonly teachers?: { readonly recognizers?: readonly string[]; readonly evaluators?: readonly string[] };
  readonly options?: RequestedOptions;
}

export interface Teacher {
  readonly role: TeacherRole;
  readonly teacherRunId: string;
  readonly checkpointId: string | null;
  readonly kind: RunKind;
  readonly status: RunStatus;
  readonly encoderId: string;
  readonly encoderDigest: string;
  /** Of its tags; empty for an evaluator. */
  readonly labels: readonly string[];
}

export interface ValidRun {
  readonly datasets: Readonly<Record<Role, readonly DatasetRecord[]>>;
  readonly encoder: InstalledEncoder;
  readonly teachers: readonly Teacher[];
  readonly options: TrainingOptions;
}

/** Which kinds of dataset a kind of run takes in a role; a role that is absent takes none. Raw text of what is not a student serves estimates alone. */
const TAKES: Record<RunKind, Partial<Record<Role, readonly DatasetRecord['kind'][]>>> = {
  recognizer: { train: ['labeled'], dev: ['labeled'], test: ['labeled'], unlabeled: ['unlabeled'] },
  evaluator: { train: ['labeled', 'pairs'], dev: ['labeled', 'pairs'], test: ['labeled', 'pairs'] },
  teacher: { train: ['labeled'], dev: ['labeled'], test: ['labeled', 'pairs'], unlabeled: ['unlabeled'] },
  student: { unlabeled: ['unlabeled'], dev: ['labeled'], test: ['labeled'] },
};
const TEACHES: Record<TeacherRole, readonly RunKind[]> = {
  recognizer: ['recognizer', 'teacher', 'student'],
  evaluator: ['evaluator', 'teacher'],
};

/** @param planned teachers that are made in the same transaction, by run id */
export async function validateRun(
  store: Store,
  config: Pick<Config, 'encodersDir' | 'defaultEncoder'>,
  request: RunRequest,
  planned: ReadonlyMap<string, Omit<Teacher, 'role'>> = new Map(),
): Promise<ValidRun> {
  const { kind } = request;
  const options = resolveOptions(kind, request.options ?? {});
  const datasets = {
    train: await datasetsOf(store, request, 'train'),
    dev: await datasetsOf(store, request, 'dev'),
    test: await datasetsOf(store, request, 'test'),
    unlabeled: await datasetsOf(store, request, 'unlabeled'),
  };
  const needed = kind === 'student' ? 'unlabeled' : 'train';
  if (datasets[needed].length === 0) throw fail('DATASETS_MISSING', { kind, role: needed });
  const encoder = await findEncoder(config.encodersDir, request.encoder ?? config.defaultEncoder);
  if (options.frozenLayers > encoder.config.layers)
    throw fail('OPTIONS_CONTRADICT', { detail: `frozenLayers ${options.frozenLayers} is more than the ${encoder.config.layers} layers of the encoder ${encoder.encoderId}` });
  const teachers = await teachersOf(store, request, planned);
  for (const teacher of teachers) {
    if (teacher.encoderDigest !== encoder.digest)
      throw fail('TEACHER_ENCODER', { runId: teacher.teacherRunId, expected: `${encoder.encoderId} (${encoder.digest})`, found: `${teacher.encoderId} (${teacher.encoderDigest})` });
  }
  if (kind === 'student') checkTeachers(teachers);
  checkLabels(kind, datasets, teachers);
  return { datasets, encoder, teachers, options };
}

/** Labels that a run's tags have: of its training sets, or of a student's recognizers. */
export function labelsOf(datasets: readonly Pick<DatasetRecord, 'labels'>[]): string[] {
  return [...new Set(datasets.flatMap(({ labels }) => labels))].sort();
}

async function datasetsOf(store: Store, { kind, datasets }: RunRequest, role: Role): Promise<DatasetRecord[]> {
  const ids = [...new Set(datasets[role] ?? [])];
  const takes = TAKES[kind][role];
  if (ids.length > 0 && takes === undefined) throw fail('DATASET_ROLE', { detail: `a ${kind} takes no ${role} datasets` });
  const found: DatasetRecord[] = [];
  for (const datasetId of ids) {
    const dataset = await findDataset(store, datasetId);
    if (dataset === null) throw fail('DATASET_NOT_FOUND', { datasetId });
    if (takes !== undefined && !takes.includes(dataset.kind))
      throw fail('DATASET_ROLE', { detail: `${datasetId} is ${dataset.kind}, and a ${kind}'s ${role} datasets must be ${takes.join(' or ')}` });
    const splits = role === 'unlabeled' ? ['train', 'dev'] : [role];
    // What is measured on must never be trained on, not even by a slip.
    if (!splits.includes(dataset.split))
      throw fail('DATASET_ROLE', { detail: `${datasetId} is of the split ${dataset.split}, and ${role} datasets must be of ${splits.join(' or ')}` });
    found.push(dataset);
  }
  return found;
}

async function teachersOf(store: Store, request: RunRequest, planned: ReadonlyMap<string, Omit<Teacher, 'role'>>): Promise<Teacher[]> {
  const { recognizers = [], evaluators = [] } = request.teachers ?? {};
  const asked: [TeacherRole, string][] = [
    ...recognizers.map((id): [TeacherRole, string] => ['recognizer', id]),
    ...evaluators.map((id): [TeacherRole, string] => ['evaluator', id]),
  ];
  if (asked.length > 0 && request.kind !== 'student') throw fail('TEACHER_ROLE', { detail: `a ${request.kind} has no teachers` });
  const teachers: Teacher[] = [];
  for (const [role, id] of asked) {
    const teacher = { role, ...(planned.get(id) ?? (await findTeacher(store, id))) };
    if (!TEACHES[role].includes(teacher.kind))
      throw fail('TEACHER_ROLE', { detail: `${id} is of a ${teacher.kind}, which cannot be a student's ${role}` });
    if (teacher.checkpointId === null && (teacher.status === 'failed' || teacher.status === 'cancelled'))
      throw fail('TEACHER_ROLE', { detail: `the run ${id} has ${teacher.status === 'failed' ? 'failed' : 'been cancelled'} and has nothing to teach` });
    teachers.push(teacher);
  }
  return teachers;
}

async function findTeacher(store: Store, id: string): Promise<Omit<Teacher, 'role'>> {
  const checkpoint = id.startsWith('ckpt_') ? await findCheckpoint(store, id) : null;
  const run = await findRun(store, checkpoint?.runId ?? id);
  if (run === null) throw fail('TEACHER_NOT_FOUND', { id });
  const { runId, kind, status, encoderId, encoderDigest } = run;
  const labeled = run.datasets.filter(({ role, dataset }) => role === 'train' && dataset.kind === 'labeled').map(({ dataset }) => dataset);
  const labels = kind === 'evaluator' ? [] : kind === 'student' ? await labelsOfStudent(store, run.teachers) : labelsOf(labeled);
  return { teacherRunId: runId, checkpointId: checkpoint?.checkpointId ?? null, kind, status, encoderId, encoderDigest, labels };
}

/** A student has the labels of its first recognizer. */
async function labelsOfStudent(store: Store, teachers: readonly { role: string; teacherRunId: string }[]): Promise<readonly string[]> {
  const recognizer = teachers.find(({ role }) => role === 'recognizer');
  return recognizer === undefined ? [] : (await findTeacher(store, recognizer.teacherRunId)).labels;
}

function checkTeachers(teachers: readonly Teacher[]): void {
  for (const role of ['recognizer', 'evaluator'] as const)
    if (!teachers.some((teacher) => teacher.role === role)) throw fail('TEACHER_ROLE', { detail: `a student needs a run or checkpoint in teachers.${role}s` });
}

/** Test sets may differ from the model: their shared labels are scored. What trains or picks a checkpoint may not. */
function checkLabels(kind: RunKind, datasets: ValidRun['datasets'], teachers: readonly Teacher[]): void {
  if (kind === 'evaluator') return;
  const train = datasets.train.map(({ datasetId, labels }) => ({ id: datasetId, labels }));
  const sources = kind === 'student' ? teachers.filter(({ role }) => role === 'recognizer').map((t) => ({ id: t.teacherRunId, labels: t.labels })) : train;
  const [first] = sources;
  if (first === undefined) return;
  const known = [...first.labels].sort();
  for (const { id, labels } of sources) {
    if ([...labels].sort().join() !== known.join()) throw fail('LABELS_DIFFER', { id, expected: known.join(', '), found: labels.join(', ') });
  }
  for (const { datasetId, labels } of datasets.dev) {
    if (!labels.every((label) => known.includes(label)))
      throw fail('LABELS_DIFFER', { id: datasetId, expected: known.join(', '), found: labels.join(', ') });
  }
  for (const { datasetId, kind: datasetKind, labels } of datasets.test) {
    if (datasetKind === 'labeled' && labels.length > 0 && !labels.some((label) => known.includes(label)))
      throw fail('LABELS_DIFFER', { id: datasetId, expected: known.join(', '), found: labels.join(', ') });
  }
}
