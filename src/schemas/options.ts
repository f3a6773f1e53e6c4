/** Every option of training, the one truth for validation, types, documentation and the resolved row of a run. */
import { Type, type Static } from 'typebox';

/** Defaults are those of a recognizer; `training/options.ts` holds what differs by kind of run. */
export const TrainingOptions = Type.Object(
  {
    learningRate: Type.Number({ exclusiveMinimum: 0, maximum: 1, default: 1e-4, description: 'Peak learning rate of AdamW.' }),
    headLearningRate: Type.Union([Type.Number({ exclusiveMinimum: 0, maximum: 1 }), Type.Null()], {
      default: null,
      description: 'Peak learning rate of the tag head; null: the same as `learningRate`.',
    }),
    layerDecay: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
      description: 'Learning rate of each layer as a share of that of the layer above it; the top layer and the head have the whole rate (ELECTRA, appendix A).',
    }),
    schedule: Type.Union([Type.Literal('linear'), Type.Literal('constant')], {
      default: 'linear',
      description: 'What follows the warm-up: linear decay to zero, or constant.',
    }),
    warmupRatio: Type.Number({ minimum: 0, maximum: 0.9, default: 0.1, description: 'Share of the steps in which the rate rises from zero.' }),
    weightDecay: Type.Number({ minimum: 0, maximum: 1, default: 0.01, description: 'Decoupled weight decay; biases and layer norms have none.' }),
    clipNorm: Type.Number({ exclusiveMinimum: 0, default: 1, description: 'Global norm that gradients are clipped to.' }),
    epochs: Type.Integer({ minimum: 1, maximum: 1000, default: 3, description: 'Passes over the training sentences.' }),
    maxSteps: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      default: null,
      description: 'Stop after this many steps, whatever `epochs` says; null: no limit.',
    }),
    batchPieces: Type.Integer({
      minimum: 32,
      maximum: 65536,
      default: 1024,
      description: 'Pieces a batch. Sentences are packed without padding into rows of one length.',
    }),
    accumulation: Type.Integer({
      minimum: 1,
      maximum: 1024,
      default: 1,
      description: 'Batches whose mean gradient makes one step: larger steps than memory has room for.',
    }),
    maxPieces: Type.Integer({
      minimum: 16,
      maximum: 512,
      default: 128,
      description: 'Longest window in pieces, the two special ones included; a longer sentence is read in overlapping windows.',
    }),
    maxTrainSentences: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      default: null,
      description: 'Train on this many sentences of each training or unlabeled dataset, drawn with the seed; null: all.',
    }),
    precision: Type.Union([Type.Literal('float32'), Type.Literal('bfloat16')], {
      default: 'float32',
      description: 'Of the matrix products; everything else is float32.',
    }),
    freezeEmbeddings: Type.Boolean({ default: true, description: 'Leave word, position and type embeddings as pretrained.' }),
    frozenLayers: Type.Integer({ minimum: 0, maximum: 48, default: 0, description: 'Bottom layers left as pretrained.' }),
    dropout: Type.Number({ minimum: 0, maximum: 0.9, default: 0.1, description: 'Of hidden states, attention and head.' }),
    wordPiece: Type.Union([Type.Literal('first'), Type.Literal('firstNotBare')], {
      default: 'first',
      description: 'The piece that stands for a word: its first, or its first that is more than a bare word-start mark.',
    }),
    pairBalance: Type.Number({ minimum: 0, maximum: 1, default: 0.5, description: 'Share of drawn pairs whose words have the same tag.' }),
    similarityTemperature: Type.Number({
      minimum: 0.01,
      maximum: 10,
      default: 1,
      description: 'Divides the cosine before the sigmoid; 1 as in the paper, where similarities lie in [0.269, 0.731].',
    }),
    recognitionLoss: Type.Union([Type.Literal('meanSquaredError'), Type.Literal('crossEntropy')], {
      default: 'meanSquaredError',
      description: 'Student: distance between its and the recognizer’s tag distribution (mean over tags, or soft cross-entropy).',
    }),
    similarityWeight: Type.Number({ minimum: 0, maximum: 100, default: 0.5, description: 'Student: lambda, weight of the similarity loss.' }),
    alpha: Type.Boolean({ default: true, description: 'Student: weigh each word by the square of the recognizer’s highest probability.' }),
    beta: Type.Union([Type.Literal('squared'), Type.Literal('shifted'), Type.Literal('none')], {
      default: 'shifted',
      description: 'Student: weigh each pair by how decided the evaluator is: (2s-1)^2, min(1, (2s-1)^2 + 0.5), or not.',
    }),
    gamma: Type.Boolean({ default: true, description: 'Student: weigh each pair by the agreement of both teachers.' }),
    start: Type.Union([Type.Literal('encoder'), Type.Literal('recognizer')], {
      default: 'encoder',
      description: 'Student: start from the pretrained encoder (the paper) or from the first recognizer.',
    }),
    evaluationsPerEpoch: Type.Integer({ minimum: 1, maximum: 100, default: 1, description: 'Scores on dev, evenly spread over an epoch.' }),
    patience: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      default: null,
      description: 'Stop after this many dev scores without a better one; null: never.',
    }),
    selection: Type.Union([Type.Literal('source-dev'), Type.Literal('target-dev'), Type.Literal('last')], {
      default: 'source-dev',
      description: 'What picks the checkpoint: dev sets of languages with training labels, of the others, or the last step.',
    }),
    decoding: Type.Union([Type.Literal('viterbi'), Type.Literal('argmax')], {
      default: 'viterbi',
      description: 'How tags are read from probabilities: the best BIO-valid sequence, or each word’s best tag.',
    }),
  },
  { additionalProperties: false, title: 'TrainingOptions' },
);
export type TrainingOptions = Static<typeof TrainingOptions>;

/** What a request may say: any of the options. */
export const RequestedOptions = Type.Partial(TrainingOptions, { additionalProperties: false, title: 'RequestedOptions' });
export type RequestedOptions = Static<typeof RequestedOptions>;
