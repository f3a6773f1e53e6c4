/** The study as runs: for each seed one recognizer and one evaluator, which all students of that seed share, and a student for each system. */
import { createHash } from 'node:crypto';
import type { Dataset } from '../schemas/dataset.ts';
import type { RequestedOptions, TrainingOptions } from '../schemas/options.ts';
import type { RunKind } from '../training/request.ts';
import { applicableOptions, resolveOptions } from '../training/options.ts';
import { systemsOf, TRANSFER, type System } from './systems.ts';

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
  /** Steps of the two students that are timed for the comparison of schedules; null: it is not asked for. */
  readonly timedSteps: number | null;
}

export interface PlannedRun {
  /** What it is, whatever ids its datasets and teachers have: the same corpora, options, encoder and seed give the same key. */
  readonly key: string;
  readonly name: string;
  readonly kind: RunKind;
  /** null: a run that is only timed, or an evaluator */
  readonly systemId: string | null;
  /** null: not timed */
  readonly schedule: 'everyWord' | 'oneWord' | null;
  readonly seed: number;
  readonly options: RequestedOptions;
  /** Ids by role. */
  readonly datasets: { readonly train?: string[]; readonly dev?: string[]; readonly test?: string[]; readonly unlabeled?: string[] };
  /** Keys of planned runs before this one. */
  readonly teachers: { readonly recognizer: string; readonly evaluator: string } | null;
}

/** The option that says which words are distilled, where training has it: the one place that knows. Without it every word is. */
const DISTIL = 'distil';

/** Teachers come before their students, one seed after the other, so that a study that is cut off has whole seeds. */
export function planStudy(request: StudyRequest): { systems: System[]; runs: PlannedRun[] } {
  const { datasets, seeds } = request;
  const systems = distinct(systemsOf({ ...request.options, ...request.studentOptions }), request);
  const roles = rolesOf(datasets);
  const runs = Array.from({ length: seeds }, (_, index) => index + 1).flatMap((seed): PlannedRun[] => {
    const of = (run: Omit<PlannedRun, 'key' | 'seed' | 'options' | 'schedule'> & { options?: RequestedOptions; schedule?: PlannedRun['schedule'] }): PlannedRun => {
      const options = applicableOptions(run.kind, { ...request.options, ...(run.kind === 'student' && request.studentOptions), ...run.options });
      const planned = { schedule: null, ...run, seed, options };
      return { ...planned, key: keyOf(planned, request) };
    };
    const { train, sourceDev, dev, test, sourceTest, unlabeled } = roles;
    const recognizer = of({ kind: 'recognizer', name: `seed ${seed} recognizer`, systemId: TRANSFER, datasets: { train, dev, test }, teachers: null });
    const evaluator = of({ kind: 'evaluator', name: `seed ${seed} evaluator`, systemId: null, datasets: { train, dev: sourceDev, test: sourceTest }, teachers: null });
    const teachers = { recognizer: recognizer.key, evaluator: evaluator.key };
    const students = systems.flatMap(({ systemId, options }) =>
      options === null ? [] : [of({ kind: 'student', name: `seed ${seed} ${systemId}`, systemId, options, datasets: { unlabeled, dev, test }, teachers })],
    );
    const timed = (['everyWord', 'oneWord'] as const).flatMap((schedule) => {
      if (seed > 1 || request.timedSteps === null || (schedule === 'oneWord' && !hasDistil())) return [];
      const options = { maxSteps: request.timedSteps, epochs: 1000, selection: 'last' as const, patience: null, ...(hasDistil() && { [DISTIL]: schedule }) };
      return [of({ kind: 'student', name: `timed ${schedule}`, systemId: null, schedule, options, datasets: { unlabeled }, teachers })];
    });
    return [recognizer, evaluator, ...timed, ...students];
  });
  return { systems, runs };
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

function hasDistil(): boolean {
  return DISTIL in resolveOptions('student', {});
}

/** Systems whose students would be trained alike are one: the first. */
function distinct(systems: readonly System[], { options, studentOptions }: StudyRequest): System[] {
  const seen = new Set<string>();
  return systems.filter((system) => {
    if (system.options === null) return true;
    const resolved = JSON.stringify(resolveOptions('student', { ...options, ...studentOptions, ...system.options }));
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
