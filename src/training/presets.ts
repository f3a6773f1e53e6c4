/**
 * What each preset fills in where a request says nothing: values for every kind of run, then those of one kind.
 * An option that is not listed has the schema's default, which is `mtmt`'s for all kinds that read it. Change a value of `mtmt` there if it is
 * to hold for all kinds, and here if it is to hold for one.
 */
import type { RequestedOptions } from '../schemas/options.ts';
import type { RunKind } from './request.ts';

export type Preset = NonNullable<RequestedOptions['preset']>;
type PresetTable = Readonly<Record<'everyKind' | RunKind, Omit<RequestedOptions, 'preset'>>>;

export const PRESETS: Readonly<Record<Preset, PresetTable>> = {
  /** What has served best in measurements of this project. */
  mtmt: {
    everyKind: {},
    recognizer: {},
    evaluator: { epochs: 1 }, // pairs are drawn anew for each batch
    teacher: {},
    student: { epochs: 1 }, // it starts from the recognizer, and raw text is long: a pass over CoNLL's Spanish and Dutch is 750 steps
  },

  /**
   * The settings of the code that the authors published with the paper (BDBC-KG-NLP/ACL2022_MTMT: main.py and trainers). Its mistakes are mended by how
   * we train whatever the preset: padding is masked, raw text is balanced by the recognizer's tags and never by gold ones, and losses are reduced
   * alike with weights and without.
   */
  authors: {
    everyKind: {
      learningRate: 5e-6, // main.py's default; params.txt, an example, has 1e-5
      schedule: 'constant', // plain Adam
      warmupRatio: 0,
      weightDecay: 0,
      clipNorm: null,
      epochs: 300, // at most; the best on dev is kept
      batchPieces: 1024, // 32 sentences, packed
      freezeEmbeddings: false,
      frozenLayers: 0,
      averagedShare: 0,
      wordPiece: 'first', // MTMT, section 3.2
    },
    recognizer: {
      selection: 'target-dev',
      decoding: 'argmax',
    },
    evaluator: {
      batchPieces: 2048, // both sentences of 32 pairs
      pairDraw: 'balanced',
      pairBalance: 0.5, // as many pairs with the same tag as with different ones
      similarityTemperature: 1, // MTMT, section 3.2
    },
    teacher: {
      // theirs are two encoders; for those who share one, what both say
      batchPieces: 2048,
      pairDraw: 'balanced',
      pairBalance: 0.5,
      similarityTemperature: 1,
      selection: 'target-dev',
      decoding: 'argmax',
    },
    student: {
      headLearningRate: 5e-9, // learningRate / 1000: set both where you set one
      batchPieces: 2048, // both sentences of 32 pairs
      objective: 'mtmt',
      heads: 'one',
      distil: 'oneWord', // 64 sentences are encoded to distil 64 words
      pairDraw: 'balanced',
      pairBalance: 0.5,
      similarityTemperature: 1,
      recognitionLoss: 'meanSquaredError',
      similarityWeight: 0.5, // loss_alpha
      alpha: true, // weight_loss, for all three
      beta: 'shifted',
      gamma: true,
      formShare: 0,
      neighbourShare: 0,
      start: 'encoder',
      selection: 'target-dev',
      decoding: 'argmax',
    },
  },

  /**
   * The variant of the article that this project was started from: one encoder for both teachers, a student with two heads. Mended: one softmax where
   * it had two, and padding is masked. Its pairs are of words in the same position of two sentences, whatever their tags: `uniform`.
   */
  article: {
    everyKind: { wordPiece: 'first', averagedShare: 0 }, // of before there was a choice
    recognizer: {},
    evaluator: { pairDraw: 'uniform', similarityTemperature: 1 },
    teacher: { pairDraw: 'uniform', similarityTemperature: 1 },
    student: {
      objective: 'article',
      heads: 'two',
      distil: 'everyWord',
      pairDraw: 'uniform',
      similarityTemperature: 1,
      recognitionLoss: 'crossEntropy',
      similarityWeight: 1, // its losses are added as they are
      alpha: true,
      beta: 'squared',
      gamma: true,
      formShare: 0,
      neighbourShare: 0,
      start: 'encoder',
    },
  },
};

/** What the preset says of a kind of run, and what `mtmt` says where the preset's source is silent. */
export function presetOptions(preset: Preset, kind: RunKind): Omit<RequestedOptions, 'preset'> {
  return { ...PRESETS.mtmt.everyKind, ...PRESETS.mtmt[kind], ...PRESETS[preset].everyKind, ...PRESETS[preset][kind] };
}
