/** F1 for each target language by its raw text: draws sentences, has them tagged, and reads the signals by the source language's dev sets. */
import type { LoadedCheckpoint } from '../checkpoints/load.ts';
import type { Corpus, Sentence } from '../corpora/corpus.ts';
import { withNoise } from '../corpora/noise.ts';
import { random } from '../corpora/random.ts';
import type { Recognizer } from '../inference/recognizer.ts';
import { estimateF1, fitReference, type Estimate } from '../scoring/estimate.ts';
import type { Tagged, TaggedGold } from '../scoring/expected.ts';
import { decode } from '../scoring/viterbi.ts';
import { selectingDev } from '../training/dev.ts';
import { meanOf } from '../training/teacher-outputs.ts';
import type { Material } from './material.ts';

/** Of a language, at most: sampling then moves F1 by two points or so, and two cores tag them in some ten seconds. */
const SENTENCES = 2_000;
/** Shares of letters that are exchanged: from a text with a slip here and there to one that is hardly readable. */
const NOISE = [0.05, 0.1, 0.2, 0.4];
/** Of draws, noise and resampling: fixed, so that runs are compared on the same text. */
const SEED = 20_221;

export interface EstimateOptions {
  readonly model: Recognizer;
  readonly material: Pick<Material, 'dev' | 'unlabeled' | 'teachers' | 'sourceLanguages'>;
  /** Opens one of the teachers; its caller disposes of it. */
  readonly open: (checkpoint: LoadedCheckpoint) => Promise<Recognizer>;
  readonly decoding: 'argmax' | 'viterbi';
  readonly signal: AbortSignal;
}

export interface LanguageEstimate extends Estimate {
  /** BCP 47 */
  readonly language: string;
}

/** One for each language of raw text that has no labeled source text; none without a labeled dev set of a source language. */
export async function* estimateTargets({ model, material, open, decoding, signal }: EstimateOptions): AsyncGenerator<LanguageEstimate, void> {
  const { dev, unlabeled, teachers, sourceLanguages } = material;
  const rawLanguages = new Set(unlabeled.map(({ language }) => language));
  const source = selectingDev(dev, 'source-dev', { sources: sourceLanguages, targets: rawLanguages });
  const targets = [...rawLanguages].filter((language) => !sourceLanguages.has(language)).sort();
  if (source.length === 0 || targets.length === 0) return;
  const opened: Recognizer[] = [];
  try {
    for (const checkpoint of teachers.recognizers) opened.push(await open(checkpoint));
    const tag = <T extends Sentence>(sentences: readonly T[]): Promise<(Tagged & T)[]> => tagAll(sentences, { model, teachers: opened, decoding, signal });
    const tagGold = async (sentences: readonly Sentence[]): Promise<TaggedGold[]> => (await tag(sentences)).map(({ tags = [], ...tagged }) => ({ ...tagged, gold: tags }));
    const clean = drawn(source, SENTENCES);
    const strange = NOISE.map((share, level) => withNoise(random(SEED + level).shuffle([...clean]).slice(0, SENTENCES / NOISE.length), { share, seed: SEED + level }));
    const tagged: TaggedGold[][] = [];
    for (const text of strange) tagged.push(await tagGold(text));
    const reference = fitReference({ labels: model.labels, source: await tagGold(clean), strange: tagged, seed: SEED });
    for (const language of targets) {
      const raw = drawn(unlabeled.filter((corpus) => corpus.language === language), SENTENCES);
      if (raw.length > 0) yield { language, ...estimateF1(reference, await tag(raw)) };
    }
  } finally {
    for (const teacher of opened) teacher.dispose();
  }
}

/** Sentences with words, of all corpora together. */
function drawn(corpora: readonly Corpus[], count: number): Sentence[] {
  const sentences = corpora.flatMap((corpus) => corpus.sentences.filter(({ tokens }) => tokens.length > 0));
  return random(SEED).shuffle(sentences).slice(0, count);
}

interface Tagging {
  readonly model: Recognizer;
  /** Of a student; several are averaged, as when it was taught. */
  readonly teachers: readonly Recognizer[];
  readonly decoding: EstimateOptions['decoding'];
  readonly signal: AbortSignal;
}

async function tagAll<T extends Sentence>(sentences: readonly T[], { model, teachers, decoding, signal }: Tagging): Promise<(Tagged & T)[]> {
  const tokens = sentences.map((sentence) => sentence.tokens);
  const own = await model.recognize(tokens, { signal });
  const taught: Float32Array[][] = [];
  for (const teacher of teachers) taught.push((await teacher.recognize(tokens, { signal })).map(({ probs }) => probs));
  return sentences.map((sentence, index) => {
    const probs = own[index]?.probs ?? new Float32Array(0);
    const predicted = decode(probs, model.labels, decoding);
    if (teachers.length === 0) return { ...sentence, probs, predicted };
    const teaching = meanOf(taught.flatMap((each) => each[index] ?? []));
    return { ...sentence, probs: meanOf([probs, teaching]), predicted, teacher: decode(teaching, model.labels, decoding) };
  });
}
