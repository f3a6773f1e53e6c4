/** Scores a trained model on test sets: what goes into the rows of scores, as counts. */
import type { Corpus } from '../corpora/corpus.ts';
import { drawPairs, type WordPair } from '../corpora/pairs.ts';
import type { Evaluator } from '../inference/evaluator.ts';
import type { Recognizer } from '../inference/recognizer.ts';
import { binByAlpha, flatBins } from '../scoring/alpha-bins.ts';
import { bootstrapInterval } from '../scoring/interval.ts';
import { prf, scoreTags, type Counts } from '../scoring/ner.ts';
import { scorePairs } from '../scoring/pairs.ts';
import { decode } from '../scoring/viterbi.ts';
import { spansOfTags, tagsOfSpans } from '../text/bio.ts';
import { alphaOf } from '../training/weights.ts';

/** Sentences whose probabilities are in memory at once. */
const SENTENCES_AT_ONCE = 2_000;
/** Pairs drawn of a labeled test set: enough for an interval of two points or so. */
const TEST_PAIRS = 2_000;
const PAIR_THRESHOLD = 0.5;
/** Of the bootstrap and of drawn pairs: fixed, so that runs are compared on the same ones. */
const SCORING_SEED = 20_220;
export const ALL_LABELS = '';
export const PAIR_LABEL = 'same';
const DECODINGS = ['argmax', 'viterbi'] as const;
type Decoding = (typeof DECODINGS)[number];

/** One row of scores, as the store takes it but for the run and the checkpoint. */
export interface ScoredRow extends Counts {
  readonly datasetId: string;
  /** "" = all labels */
  readonly label: string;
  readonly language: string;
  readonly split: string;
  readonly tn: number | null;
  readonly sentences: number;
  readonly words: number;
  readonly ciLow: number | null;
  readonly ciHigh: number | null;
  readonly scorer: 'conlleval' | 'pairs';
  readonly decoding: 'argmax' | 'viterbi' | 'threshold';
}

/** The same probabilities read by one decoding. */
export interface ScoredVariant extends Counts {
  readonly datasetId: string;
  readonly decoding: Decoding;
  /** tp, fp, fn of each sentence */
  readonly sentenceCounts: readonly number[];
  /** words, tp, fp, fn of each tenth of alpha */
  readonly alphaBins: readonly number[];
}

export interface ScoredCorpus {
  readonly rows: readonly ScoredRow[];
  /** One a decoding, the run's own among them; none of pairs. */
  readonly variants: readonly ScoredVariant[];
  /** 0 to 1 */
  readonly f1: number;
  /** Where model and corpus know different labels: rows count the shared ones only, `all` counts every label. */
  readonly labels: { readonly shared: readonly string[]; readonly model: readonly string[]; readonly corpus: readonly string[]; readonly all: Counts } | null;
}

export async function scoreRecognizer(recognizer: Recognizer, corpus: Corpus, { decoding, signal }: { decoding: Decoding; signal: AbortSignal }): Promise<ScoredCorpus> {
  const { tags, alphas } = await predict(recognizer, corpus, signal);
  const gold = corpus.sentences.map(({ tokens, tags }) => tags ?? tokens.map(() => 'O'));
  const all = scoreTags(gold, tags[decoding]);
  const model = recognizer.labels.labels;
  const shared = corpus.labels.filter((label) => model.includes(label));
  const differ = shared.length !== model.length || shared.length !== corpus.labels.length;
  const keepShared = (tags: readonly string[]): readonly string[] => (differ ? tagsOfSpans(spansOfTags(tags).filter(({ label }) => shared.includes(label)), tags.length) : tags);
  const wanted = gold.map(keepShared);
  const scored = DECODINGS.map((each) => {
    const predicted = tags[each].map(keepShared);
    return { decoding: each, score: scoreTags(wanted, predicted), alphaBins: flatBins(binByAlpha(alphas, wanted, predicted)) };
  });
  const score = scored.find((each) => each.decoding === decoding)?.score ?? all;
  const [ciLow, ciHigh] = bootstrapInterval(score.perSentence, { seed: SCORING_SEED });
  const row = (label: string, { tp, fp, fn }: Counts): ScoredRow => ({
    ...placeOf(corpus),
    label,
    tp,
    fp,
    fn,
    tn: null,
    sentences: score.sentences,
    words: score.words,
    ciLow: label === ALL_LABELS ? ciLow : null,
    ciHigh: label === ALL_LABELS ? ciHigh : null,
    scorer: 'conlleval',
    decoding,
  });
  return {
    rows: [row(ALL_LABELS, score), ...Object.entries(score.labels).map(([label, counts]) => row(label, counts))],
    variants: scored.map(({ decoding, score, alphaBins }) => ({
      datasetId: corpus.datasetId,
      decoding,
      ...countsOf(score),
      sentenceCounts: score.perSentence.flatMap(({ tp, fp, fn }) => [tp, fp, fn]),
      alphaBins,
    })),
    f1: prf(score).f1,
    labels: differ ? { shared, model, corpus: corpus.labels, all: countsOf(all) } : null,
  };
}

/** 95 % of F1, as a row of all labels has it. @param sentenceCounts tp, fp, fn of each sentence */
export function intervalOf(sentenceCounts: readonly number[]): [low: number, high: number] {
  const perSentence = Array.from({ length: sentenceCounts.length / 3 }, (_, index) => {
    const [tp = 0, fp = 0, fn = 0] = sentenceCounts.slice(3 * index, 3 * index + 3);
    return { tp, fp, fn };
  });
  return bootstrapInterval(perSentence, { seed: SCORING_SEED });
}

/** Tags by both decodings, and each word's alpha. */
async function predict(recognizer: Recognizer, { sentences }: Corpus, signal: AbortSignal): Promise<{ tags: Record<Decoding, string[][]>; alphas: Float32Array[] }> {
  const tags: Record<Decoding, string[][]> = { argmax: [], viterbi: [] };
  const alphas: Float32Array[] = [];
  const width = recognizer.labels.tags.length;
  for (let first = 0; first < sentences.length; first += SENTENCES_AT_ONCE) {
    const part = sentences.slice(first, first + SENTENCES_AT_ONCE);
    for (const { probs } of await recognizer.recognize(part.map(({ tokens }) => tokens), { signal })) {
      for (const decoding of DECODINGS) tags[decoding].push(decode(probs, recognizer.labels, decoding));
      alphas.push(Float32Array.from({ length: probs.length / width }, (_, word) => alphaOf(probs.subarray(word * width, (word + 1) * width))));
    }
  }
  return { tags, alphas };
}

/** Pairs of a labeled corpus, the same ones for every run. */
export function testPairs(corpus: Corpus, balance: number): WordPair[] {
  return drawPairs(corpus.sentences, { count: TEST_PAIRS, balance, seed: SCORING_SEED });
}

/** @param labels of the rows: an evaluator's own rows are both "" and "same"; beside a recognizer's only "same" */
export async function scoreEvaluator(
  evaluator: Evaluator,
  place: Pick<Corpus, 'datasetId' | 'language' | 'split'>,
  { pairs, labels, signal }: { pairs: readonly WordPair[]; labels: readonly string[]; signal: AbortSignal },
): Promise<ScoredCorpus> {
  const known = pairs.filter(({ same }) => same !== undefined);
  const similarity = await evaluator.similarity(known, { signal });
  const decided = Array.from(similarity, (s) => s >= PAIR_THRESHOLD);
  const each = known.map(({ same }, index) => scorePairs([same === true], [decided[index] === true]));
  const { tp, fp, fn, tn } = scorePairs(known.map(({ same }) => same === true), decided);
  const [ciLow, ciHigh] = bootstrapInterval(each, { seed: SCORING_SEED });
  const row: Omit<ScoredRow, 'label'> = {
    ...placeOf(place),
    tp,
    fp,
    fn,
    tn,
    sentences: new Set(known.flatMap(({ left, right }) => [left.tokens.join(' '), right.tokens.join(' ')])).size,
    words: 2 * known.length,
    ciLow,
    ciHigh,
    scorer: 'pairs',
    decoding: 'threshold',
  };
  return { rows: labels.map((label) => ({ ...row, label })), variants: [], f1: prf({ tp, fp, fn }).f1, labels: null };
}

function placeOf({ datasetId, language, split }: Pick<Corpus, 'datasetId' | 'language' | 'split'>): Pick<Corpus, 'datasetId' | 'language' | 'split'> {
  return { datasetId, language, split };
}

function countsOf({ tp, fp, fn }: Counts): Counts {
  return { tp, fp, fn };
}
