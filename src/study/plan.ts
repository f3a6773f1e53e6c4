/** The study as runs: for each seed its teachers, which all students of that seed share, and a student for each system; ensembles when every seed has its teachers. */
import { createHash } from 'node:crypto';
import type { Dataset } from '../schemas/dataset.ts';
import type { RequestedOptions, TrainingOptions } from '../schemas/options.ts';
import type { RunKind } from '../training/request.ts';
import { applicableOptions, resolveOptions } from '../training/options.ts';
import { FIRST_ROUND, systemsOf, TRANSFER, type System } from './systems.ts';

export type StudyDataset = Pick<Dataset, 'datasetId' | 'name' | 'kind' | 'language' | 'split' | 'digest' | 'labels' | 'sentences' | 'words'>;

export interface StudyRequest {
  readonly datasets: readonly StudyDataset[];
  readonly encoder: string;
  /** Of all runs, as far as they read them. */
  readonly options: RequestedOptions;
  /** Of the students alone, before `options`. */
  readonly studentOptions: RequestedOptions;
  /** 1, 2, …, of teachers and students alike. */
  readonly seeds: number;
  /** Ids of `systems.ts`, beside direct transfer; null: the ablations. */
  readonly systems: readonly string[] | null;
  /** Steps of the two students that are timed for the comparison of schedules; null: it is not asked for. */
  readonly timedSteps: number | null;
}

export interface PlannedRun {
  /** What it is, whatever ids its datasets and teachers have: the same corpora, options, encoder and seed give the same key. */
  readonly key: string;
  readonly name: string;
  readonly kind: RunKind;
  /** null: a run that is only timed, or a teacher that is no system itself */
  readonly systemId: string | null;
  /** null: not timed */
  readonly schedule: 'everyWord' | 'oneWord' | null;
  readonly seed: number;
  readonly options: RequestedOptions;
  /** Ids by role. */
  readonly datasets: { readonly train?: string[]; readonly dev?: string[]; readonly test?: string[]; readonly unlabeled?: string[] };
  readonly teachers: PlannedTeachers | null;
}

/** Keys of planned runs before this one; a run that teaches both tasks is in both lists. */
export interface PlannedTeachers {
  readonly recognizers: readonly string[];
  readonly evaluators: readonly string[];
}

/** Teachers come before their students, one seed after the other, so that a study that is cut off has whole seeds. */
export function planStudy(request: StudyRequest): { systems: System[]; runs: PlannedRun[] } {
  const systems = distinct(systemsOf({ ...request.options, ...request.studentOptions }, request.systems), request);
  const context = { systems, roles: rolesOf(request.datasets), request };
  const seeds = Array.from({ length: request.seeds }, (_, index) => index + 1);
  const plans = seeds.map((seed) => planSeed({ ...context, seed }));
  const everySeed = { recognizers: plans.flatMap(({ own }) => own.recognizers), evaluators: plans.flatMap(({ own }) => own.evaluators) };
  const ensembles = seeds.flatMap((seed) => studentsOf(everySeed, 'everySeed', { ...context, seed }));
  return { systems, runs: [...plans.flatMap(({ runs }) => runs), ...ensembles] };
}

interface SeedContext {
  readonly systems: readonly System[];
  readonly roles: Roles;
  readonly request: StudyRequest;
  readonly seed: number;
}

/** @returns `own`: the recognizer, and the evaluator where a student learns from one */
function planSeed(context: SeedContext): { runs: PlannedRun[]; own: PlannedTeachers } {
  const { systems, roles, request, seed } = context;
  const { train, sourceDev, sourceTest } = roles;
  const isTimed = seed === 1 && request.timedSteps !== null;
  const hasEvaluator = isTimed || systems.some(({ options, teachers }) => options !== null && teachers !== 'shared');
  const recognizer = planned({ kind: 'recognizer', name: `seed ${seed} recognizer`, systemId: TRANSFER, datasets: taggingSets(roles) }, context);
  const evaluators = hasEvaluator ? [planned({ kind: 'evaluator', name: `seed ${seed} evaluator`, datasets: { train, dev: sourceDev, test: sourceTest } }, context)] : [];
  const own = { recognizers: [recognizer.key], evaluators: evaluators.map(({ key }) => key) };
  const students = studentsOf(own, undefined, context);
  return { runs: [recognizer, ...evaluators, ...(isTimed ? timedRuns(own, context) : []), ...sharedRuns(context), ...students, ...secondRound(students, own, context)], own };
}

/** Raw text moves no weight of a teacher: its F1 on the targets is estimated there. */
function taggingSets({ train, dev, test, unlabeled }: Roles): PlannedRun['datasets'] {
  return { train, dev, test, unlabeled };
}

function timedRuns(teachers: PlannedTeachers, context: SeedContext): PlannedRun[] {
  const { request, roles } = context;
  return (['everyWord', 'oneWord'] as const).map((schedule) => {
    const options = { maxSteps: request.timedSteps, epochs: 1000, selection: 'last' as const, patience: null, distil: schedule };
    return planned({ kind: 'student', name: `timed ${schedule}`, schedule, options, datasets: { unlabeled: roles.unlabeled }, teachers }, context);
  });
}

/** Teachers of both tasks, each before its student. */
function sharedRuns(context: SeedContext): PlannedRun[] {
  const { systems, roles, seed } = context;
  return systems.filter(({ teachers }) => teachers === 'shared').flatMap((system) => {
    const { preset = 'mtmt' } = system.options ?? {};
    const teacher = planned({ kind: 'teacher', name: `seed ${seed} teacher of ${system.systemId}`, options: { preset }, datasets: taggingSets(roles) }, context);
    const keys = [teacher.key];
    return [teacher, ...studentsOf({ recognizers: keys, evaluators: keys }, 'shared', { ...context, systems: [system] })];
  });
}

/** Students teach as recognizers do. */
function secondRound(students: readonly PlannedRun[], { evaluators }: PlannedTeachers, context: SeedContext): PlannedRun[] {
  const recognizers = students.filter(({ systemId }) => systemId === FIRST_ROUND).map(({ key }) => key);
  return studentsOf({ recognizers, evaluators }, 'firstRound', context);
}

/** One of this seed for each system that learns from such teachers. */
function studentsOf(teachers: PlannedTeachers, from: System['teachers'], context: SeedContext): PlannedRun[] {
  const { systems, seed } = context;
  const { unlabeled, dev, test } = context.roles;
  return systems.flatMap(({ systemId, options, teachers: wanted }) =>
    options === null || wanted !== from ? [] : [planned({ kind: 'student', name: `seed ${seed} ${systemId}`, systemId, options, datasets: { unlabeled, dev, test }, teachers }, context)],
  );
}

type Draft = Pick<PlannedRun, 'kind' | 'name' | 'datasets'> & Partial<Pick<PlannedRun, 'systemId' | 'schedule' | 'options' | 'teachers'>>;

function planned(draft: Draft, { request, seed }: SeedContext): PlannedRun {
  const options = applicableOptions(draft.kind, { ...request.options, ...(draft.kind === 'student' && request.studentOptions), ...draft.options });
  const run = { systemId: null, schedule: null, teachers: null, ...draft, seed, options };
  return { ...run, key: keyOf(run, request) };
}

/** Every option that today's code gives the run. */
export function resolvedOptions({ kind, options }: Pick<PlannedRun, 'kind' | 'options'>): TrainingOptions {
  return resolveOptions(kind, options);
}

/** Whether a run of the store was trained as the plan wants it today: a default may have changed since. Options that it does not know were not there. */
export function isTrainedSo(planned: Pick<PlannedRun, 'kind' | 'options'>, options: TrainingOptions): boolean {
  const wanted: Record<string, unknown> = resolvedOptions(planned);
  return Object.entries(options).every(([name, value]) => JSON.stringify(wanted[name]) === JSON.stringify(value));
}

/** Systems whose students would be trained alike, by the same teachers, are one: the first. */
function distinct(systems: readonly System[], { options, studentOptions }: StudyRequest): System[] {
  const seen = new Set<string>();
  return systems.filter((system) => {
    if (system.options === null) return true;
    const resolved = JSON.stringify([system.teachers, resolveOptions('student', { ...options, ...studentOptions, ...system.options })]);
    const isNew = !seen.has(resolved);
    seen.add(resolved);
    return isNew;
  });
}

interface Roles {
  readonly train: string[];
  readonly sourceDev: string[];
  /** Of sources and targets: the targets' choose nothing under source-dev, and are what target-dev needs. */
  readonly dev: string[];
  readonly test: string[];
  readonly sourceTest: string[];
  readonly unlabeled: string[];
}

function rolesOf(datasets: readonly StudyDataset[]): Roles {
  const labeled = (split: string): StudyDataset[] => datasets.filter((each) => each.kind === 'labeled' && each.split === split);
  const train = labeled('train');
  const sources = new Set(train.map(({ language }) => language));
  const known = new Set(train.flatMap(({ labels }) => labels));
  const isSource = ({ language }: StudyDataset): boolean => sources.has(language);
  const ids = (sets: readonly StudyDataset[]): string[] => sets.map(({ datasetId }) => datasetId);
  // labels that the source does not have could be in no prediction, and a run refuses them in dev
  const dev = labeled('dev').filter(({ labels }) => labels.every((label) => known.has(label)));
  return {
    train: ids(train),
    sourceDev: ids(dev.filter(isSource)),
    dev: ids(dev),
    test: ids(labeled('test')),
    sourceTest: ids(labeled('test').filter(isSource)),
    unlabeled: ids(datasets.filter((each) => each.kind === 'unlabeled' && !isSource(each))),
  };
}

function keyOf({ kind, seed, options, datasets, teachers }: Omit<PlannedRun, 'key'>, { datasets: all, encoder }: StudyRequest): string {
  const digestOf = (id: string): string => all.find(({ datasetId }) => datasetId === id)?.digest ?? id;
  const digests = Object.fromEntries(Object.entries(datasets).map(([role, ids]) => [role, ids.map(digestOf)]));
  const sorted = Object.fromEntries(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)));
  return createHash('sha256').update(JSON.stringify([kind, seed, encoder, digests, sorted, teachers])).digest('hex').slice(0, 20);
}
