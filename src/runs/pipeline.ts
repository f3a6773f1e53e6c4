/** Turns the request of a pipeline into runs: two teachers on the source (or one of both kinds), then students on raw text. */
import { languagesOf } from '../corpora/corpus.ts';
import { findDataset } from '../store/datasets.ts';
import { newId } from '../store/ids.ts';
import type { Store } from '../store/store.ts';
import type { RequestedOptions } from '../schemas/options.ts';
import { applicableOptions } from '../training/options.ts';
import { fail } from '../errors.ts';
import type { RunKind } from '../training/request.ts';
import type { RunRequest } from './validate.ts';

export interface PipelineRequest extends Omit<RunRequest, 'kind' | 'teachers'> {
  /** One student for all languages of the unlabeled datasets, or one for each. Default: together. */
  readonly students?: 'together' | 'each';
  /** Of the students alone, before `options`. */
  readonly studentOptions?: RequestedOptions;
}

export interface PlannedRun {
  readonly runId: string;
  readonly languages: readonly string[];
  readonly request: RunRequest;
}

interface Known {
  readonly datasetId: string;
  readonly kind: string;
  readonly language: string;
}

/** Teachers first. The recognizer is scored on all test sets, and its F1 estimated on all raw text: on the target languages that is direct transfer. */
export async function planPipeline(store: Store, { students = 'together', studentOptions, ...request }: PipelineRequest): Promise<PlannedRun[]> {
  const known = async (ids: readonly string[] = []): Promise<Known[]> =>
    Promise.all(ids.map(async (datasetId) => (await findDataset(store, datasetId)) ?? Promise.reject(fail('DATASET_NOT_FOUND', { datasetId }))));
  const train = await known(request.datasets.train);
  const dev = await known(request.datasets.dev);
  const test = await known(request.datasets.test);
  const unlabeled = await known(request.datasets.unlabeled);
  if (unlabeled.length === 0) throw fail('DATASETS_MISSING', { kind: 'student', role: 'unlabeled' });
  const sources = languagesOf(train);
  const isSource = ({ language }: Known): boolean => sources.includes(language);
  const labeled = (sets: readonly Known[]): Known[] => sets.filter(({ kind }) => kind === 'labeled');
  // Uploaded pairs are the evaluator's alone, and then it needs no others.
  const pairsOr = (sets: readonly Known[]): Known[] => (sets.some(isPairs) ? sets.filter(isPairs) : labeled(sets).filter(isSource));

  const planOf = (kind: RunKind, languages: readonly string[], datasets: Record<string, readonly Known[]>, extra: Partial<RunRequest> = {}): PlannedRun => ({
    runId: newId('run'),
    languages,
    request: {
      ...request,
      kind,
      name: [request.name, kind, languages.join('-')].filter(Boolean).join(' '),
      datasets: Object.fromEntries(Object.entries(datasets).map(([role, sets]) => [role, sets.map(({ datasetId }) => datasetId)])),
      options: applicableOptions(kind, request.options ?? {}),
      ...extra,
    },
  });
  // The article's teachers share an encoder. It learns from no uploaded pairs, and validation says so.
  const isShared = request.options?.preset === 'article';
  const recognizer = isShared ? planOf('teacher', sources, { train, dev, test, unlabeled }) : planOf('recognizer', sources, { train: labeled(train), dev: labeled(dev), test: labeled(test), unlabeled });
  const evaluator = isShared ? recognizer : planOf('evaluator', sources, { train: pairsOr(train), dev: pairsOr(dev), test: pairsOr(test) });
  const teachers = { recognizers: [recognizer.runId], evaluators: [evaluator.runId] };
  const targets = students === 'together' ? [languagesOf(unlabeled)] : languagesOf(unlabeled).map((language) => [language]);
  const planned = targets.map((languages) => {
    const isTarget = ({ language }: Known): boolean => languages.includes(language);
    const tests = students === 'together' ? labeled(test) : labeled(test).filter(isTarget);
    const devs = labeled(dev).filter((set) => isSource(set) || isTarget(set));
    return planOf('student', languages, { unlabeled: unlabeled.filter(isTarget), dev: devs, test: tests }, { teachers, options: { ...request.options, ...studentOptions } });
  });
  return [...new Set([recognizer, evaluator]), ...planned];
}

function isPairs({ kind }: Known): boolean {
  return kind === 'pairs';
}
