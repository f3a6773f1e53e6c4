/** Scores on dev sets during training, and which of them pick the checkpoint. */
import type { Corpus } from '../corpora/corpus.ts';
import { drawPairs, type WordPair } from '../corpora/pairs.ts';
import type { Evaluator } from '../inference/evaluator.ts';
import type { Recognizer } from '../inference/recognizer.ts';
import { prf, scoreTags } from '../scoring/ner.ts';
import { scorePairs } from '../scoring/pairs.ts';
import { decode } from '../scoring/viterbi.ts';
import type { TrainingOptions } from '../schemas/options.ts';
import type { Selection, TrainingRequest } from './request.ts';

export interface DevRow {
  readonly datasetId: string;
  readonly language: string;
  readonly split: string;
  readonly name: string;
  readonly value: number;
}
export interface DevScore {
  readonly name: 'f1' | 'pairF1';
  readonly rows: readonly DevRow[];
}

const DEV_PAIRS = 1000;

/**
 * Dev sets that pick the checkpoint: of the languages with training labels (source-dev), or of the others (target-dev).
 * @param targetLanguages those of a student's raw text; empty for a teacher, whose sources are the languages of `train`
 */
export function selectingDev(dev: readonly Corpus[], selection: Selection, { sources, targets }: { sources: ReadonlySet<string>; targets: ReadonlySet<string> }): Corpus[] {
  if (selection === 'last') return [];
  const isSource = ({ language }: Corpus): boolean => (sources.size > 0 ? sources.has(language) : !targets.has(language));
  return dev.filter((corpus) => isSource(corpus) === (selection === 'source-dev'));
}

/** A way to choose a step, and the dev sets whose mean figure decides. */
export interface Protocol {
  readonly selection: Exclude<Selection, 'last'>;
  readonly datasetIds: ReadonlySet<string>;
}

/**
 * Those that the dev sets allow, the run's own first. What decides about tags has figures by each of them; what decides about pairs alone is scored
 * by its own choice only.
 */
export function protocolsOf({ kind, options, dev, train, unlabeled, pairs }: Pick<TrainingRequest, 'kind' | 'options' | 'dev' | 'train' | 'unlabeled' | 'pairs'>): Protocol[] {
  const own = options.selection;
  const wanted = kind === 'evaluator' ? [own] : [own, 'source-dev' as const, 'target-dev' as const];
  const languages = { sources: new Set(train.map(({ language }) => language)), targets: new Set(unlabeled.map(({ language }) => language)) };
  return [...new Set(wanted)].flatMap((selection) => {
    if (selection === 'last') return [];
    // uploaded pairs are of no language, and then they are the only dev set
    const chosen = kind === 'evaluator' && pairs.dev.length > 0 ? [''] : selectingDev(dev, selection, languages).map(({ datasetId }) => datasetId);
    return chosen.length === 0 ? [] : [{ selection, datasetIds: new Set(chosen) }];
  });
}

export async function scoreDevTags(recognizer: Recognizer, dev: readonly Corpus[], decoding: TrainingOptions['decoding'], signal: AbortSignal): Promise<DevScore> {
  const rows: DevRow[] = [];
  for (const { datasetId, language, split, sentences } of dev) {
    const recognized = await recognizer.recognize(sentences.map(({ tokens }) => tokens), { signal });
    const predicted = recognized.map(({ probs }) => decode(probs, recognizer.labels, decoding));
    const score = scoreTags(sentences.map(({ tags = [] }) => tags), predicted);
    rows.push({ datasetId, language, split, name: 'f1', value: prf(score).f1 });
  }
  return { name: 'f1', rows };
}

/** On uploaded dev pairs where there are any, else on pairs drawn once from each dev set. */
export async function scoreDevPairs(evaluator: Evaluator, sets: readonly PairSet[], signal: AbortSignal): Promise<DevScore> {
  const rows: DevRow[] = [];
  for (const { datasetId, language, split, pairs } of sets) {
    const similarities = await evaluator.similarity(pairs, { signal });
    const score = scorePairs(pairs.map(({ same }) => same === true), Array.from(similarities, (s) => s >= 0.5));
    rows.push({ datasetId, language, split, name: 'pairF1', value: prf(score).f1 });
  }
  return { name: 'pairF1', rows };
}

export interface PairSet extends Pick<Corpus, 'datasetId' | 'language' | 'split'> {
  readonly pairs: readonly WordPair[];
}

export function devPairs(dev: readonly Corpus[], uploaded: readonly WordPair[], { balance, seed }: { balance: number; seed: number }): PairSet[] {
  if (uploaded.length > 0) return [{ datasetId: '', language: '', split: 'dev', pairs: uploaded }];
  return dev.map(({ datasetId, language, split, sentences }) => ({ datasetId, language, split, pairs: drawPairs(sentences, { count: DEV_PAIRS, balance, seed }) }));
}
