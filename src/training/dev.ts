/** Scores on dev sets during training, and which of them pick the checkpoint. */
import type { Corpus } from '../corpora/corpus.ts';
import { drawPairs, type WordPair } from '../corpora/pairs.ts';
import type { Evaluator } from '../inference/evaluator.ts';
import type { Recognizer } from '../inference/recognizer.ts';
import { prf, scoreTags } from '../scoring/ner.ts';
import { scorePairs } from '../scoring/pairs.ts';
import { decode } from '../scoring/viterbi.ts';
import type { TrainingOptions } from '../schemas/options.ts';

export type Selection = TrainingOptions['selection'];

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
