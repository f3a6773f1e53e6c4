/**
 * Every option of training, the one truth for validation, types, documentation and the resolved row of a run.
 * A description says meaning, unit and source. "MTMT" is the paper (Li et al., ACL 2022) by section, "the authors’ code" what they published with it,
 * "the article" the variant that this project was started from, TSL is Wu et al. (ACL 2020), CoLaDa is Ma et al. (ACL 2023).
 */
import { Type, type Static } from 'typebox';

/** Defaults are those of the preset `mtmt`, but for what `training/presets.ts` says by kind of run. */
export const TrainingOptions = Type.Object(
  {
    preset: Type.Union([Type.Literal('mtmt'), Type.Literal('authors'), Type.Literal('article')], {
      default: 'mtmt',
      description:
        'What fills the options that a request leaves out. `mtmt`: what has served best. `authors`: the settings of the authors’ code, its mistakes mended; slow. `article`: the variant with one encoder for both teachers (kind `teacher`) and a student with two heads, its mistakes mended. What a preset’s source does not say is as in `mtmt`. Source: this project’s measurements; the authors’ code; the article.',
    }),
    learningRate: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1e-4,
      description: 'Peak learning rate of AdamW. Source: TSL’s for a student; TSL’s teachers and CoLaDa 5e-5, the authors’ code 5e-6.',
    }),
    headLearningRate: Type.Union([Type.Number({ exclusiveMinimum: 0, maximum: 1 }), Type.Null()], {
      default: null,
      description: 'Peak learning rate of the tag head; null: the same as `learningRate`. Not for evaluators, which have no head. Source: the authors’ code has `learningRate` / 1000 for students.',
    }),
    layerDecay: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 1,
      description: 'Learning rate of each layer as a share of that of the layer above it; the top layer and the head have the whole rate. Source: ELECTRA, appendix A.',
    }),
    schedule: Type.Union([Type.Literal('linear'), Type.Literal('constant')], {
      default: 'linear',
      description: 'What follows the warm-up: linear decay to zero, or constant. Source: TSL and CoLaDa decay; the authors’ code has no schedule.',
    }),
    warmupRatio: Type.Number({ minimum: 0, maximum: 0.9, default: 0.1, description: 'Share of the steps in which the rate rises from zero. Source: TSL; the authors’ code has none.' }),
    weightDecay: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.01,
      description: 'Decoupled weight decay, a share of the learning rate at each step; biases and layer norms have none. Source: TSL and CoLaDa; the authors’ code has none.',
    }),
    clipNorm: Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()], {
      default: 1,
      description: 'Global norm that gradients are clipped to; null: not at all. Source: TSL; the authors’ code does not clip.',
    }),
    epochs: Type.Integer({ minimum: 1, maximum: 1000, default: 3, description: 'Passes over the training sentences. Source: TSL and CoLaDa; the authors’ code has up to 300, keeping the best.' }),
    maxSteps: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      default: null,
      description: 'Stop after this many steps, whatever `epochs` says; null: no limit. The schedule ends there. Source: this project.',
    }),
    batchPieces: Type.Integer({
      minimum: 32,
      maximum: 65536,
      default: 1024,
      description: 'Pieces a batch. Sentences are packed without padding into rows of one length. Source: this project; about the 32 sentences of TSL, CoLaDa and the authors’ code.',
    }),
    accumulation: Type.Integer({
      minimum: 1,
      maximum: 1024,
      default: 1,
      description: 'Batches whose mean gradient makes one step: larger steps than memory has room for. Source: this project.',
    }),
    maxPieces: Type.Integer({
      minimum: 16,
      maximum: 512,
      default: 128,
      description: 'Longest window in pieces, the two special ones included, or what the encoder takes if that is less; a longer sentence is read in overlapping windows. Source: TSL and CoLaDa.',
    }),
    maxTrainSentences: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      default: null,
      description: 'Train on this many sentences of each training or unlabeled dataset, drawn with the seed; null: all. Source: this project.',
    }),
    precision: Type.Union([Type.Literal('float32'), Type.Literal('bfloat16')], {
      default: 'float32',
      description: 'Of the matrix products; everything else is float32. Source: this project.',
    }),
    freezeEmbeddings: Type.Boolean({ default: true, description: 'Leave word, position and type embeddings as pretrained. Source: TSL and CoLaDa; the authors’ code freezes nothing.' }),
    frozenLayers: Type.Integer({
      minimum: 0,
      maximum: 48,
      default: 0,
      description: 'Bottom layers left as pretrained, at most those that the encoder has. Source: the authors’ code; TSL and CoLaDa freeze 3 of 12.',
    }),
    dropout: Type.Number({ minimum: 0, maximum: 0.9, default: 0.1, description: 'Share of hidden states, attention and head inputs that is dropped. Source: BERT.' }),
    wordPiece: Type.Union([Type.Literal('first'), Type.Literal('firstNotBare')], {
      default: 'firstNotBare',
      description: 'The piece that stands for a word: its first, or its first that is more than a bare word-start mark, which begins most Chinese words. Source: MTMT, section 3.2; this project.',
    }),
    pairDraw: Type.Union([Type.Literal('balanced'), Type.Literal('uniform')], {
      default: 'balanced',
      description:
        'Which words of a batch make pairs. `balanced`: of the same and of different tags as `pairBalance` says, by gold tags on labeled text, mostly about entities there, and by the recognizer’s tags on raw text. `uniform`: any two. Source: the authors’ code; the article, which pairs the words in one position of two sentences.',
    }),
    pairBalance: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.5,
      description: 'Share of pairs whose words have the same tag: of those that `pairDraw` balances, and of those that evaluators are scored on. Source: the authors’ code.',
    }),
    pairsPerWord: Type.Number({
      minimum: 0.1,
      maximum: 16,
      default: 1,
      description: 'Pairs drawn in a batch for each word that takes part in pairs; below 1 some words begin none. Source: this project; the authors’ code has one pair for each two sentences that it encodes.',
    }),
    similarityTemperature: Type.Number({
      minimum: 0.01,
      maximum: 10,
      default: 1,
      description: 'Divides the cosine before the sigmoid that makes a similarity of it; at 1 similarities lie in [0.269, 0.731]. Source: MTMT has 1, section 3.2; others are this project’s.',
    }),
    objective: Type.Union([Type.Literal('mtmt'), Type.Literal('article')], {
      default: 'mtmt',
      description:
        'Student: what is minimized. `mtmt`: the mean over pairs of gamma (1/2 alpha1 L1 + 1/2 alpha2 L2 + lambda beta Lsim), its weights from the teachers, similarity from word vectors. `article`: gamma (alpha1 L1 + lambda beta Lsim + alpha2 L2) of a batch’s means, its weights from the student (no gradient flows through them), similarity from tag distributions. L1, L2: recognition loss of a pair’s words; Lsim: cross-entropy of their similarity against the evaluator’s. Source: MTMT, section 3.3; the article.',
    }),
    heads: Type.Union([Type.Literal('one'), Type.Literal('two')], {
      default: 'one',
      description: 'Student: one tag head, or one for each side of a pair, which `objective` `article` alone can train. Tags come from the mean of both heads’ logits, and they are saved as the one head of mean weights that gives the same. Source: MTMT; the article.',
    }),
    distil: Type.Union([Type.Literal('everyWord'), Type.Literal('oneWord')], {
      default: 'everyWord',
      description: 'Student: the words of a batch that take part in pairs: all of them, or one random word of each sentence (window), for as much computation. Source: this project; the authors’ code encodes 64 sentences to distil 64 words.',
    }),
    recognitionLoss: Type.Union([Type.Literal('meanSquaredError'), Type.Literal('crossEntropy')], {
      default: 'crossEntropy',
      description: 'Student: distance between its and the recognizer’s tag distribution of a word: mean over tags of squared differences, or soft cross-entropy in nats. Source: the authors’ code; the article.',
    }),
    similarityWeight: Type.Number({ minimum: 0, maximum: 100, default: 0.5, description: 'Student: lambda, weight of the similarity loss; 0 leaves it out. Source: the authors’ code; the article has 1.' }),
    alpha: Type.Boolean({
      default: true,
      description: 'Student: weigh the recognition loss by the square of the highest tag probability: the recognizer’s for each word, or the student’s mean for `objective` `article`. Source: MTMT, section 3.4; the article.',
    }),
    beta: Type.Union([Type.Literal('squared'), Type.Literal('shifted'), Type.Literal('none')], {
      default: 'shifted',
      description: 'Student: weigh the similarity loss by how decided a similarity s is: (2s-1)^2, min(1, (2s-1)^2 + 0.5), or not. s is the evaluator’s for each pair, or that of the student’s logits for `objective` `article`. Source: MTMT, section 3.4, and the article; the authors’ code.',
    }),
    gamma: Type.Boolean({
      default: true,
      description: 'Student: weigh all losses by 1 minus the difference of two similarities: of the recognizer’s tag distributions and the evaluator’s for each pair, or the student’s of tag distributions and of logits for `objective` `article`. Source: MTMT, section 3.4; the article.',
    }),
    formShare: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.3,
      description: 'Student: share that the other occurrences of a word’s form in the raw text have in its soft tags. Source: this project.',
    }),
    neighbourShare: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0.4,
      description: 'Student: share that a word’s 16 nearest neighbours by the evaluator’s vectors have in its soft tags, where the recognizer does not say O for sure; 0 looks for none. Source: this project, after CoLaDa, whose neighbours in the encoder’s space weigh pseudo-labels.',
    }),
    start: Type.Union([Type.Literal('encoder'), Type.Literal('recognizer')], {
      default: 'recognizer',
      description: 'Student: start from the pretrained encoder, or from the first recognizer. Source: MTMT, section 3.3; this project.',
    }),
    averagedShare: Type.Number({
      minimum: 0,
      maximum: 0.9,
      default: 0.5,
      description: 'Share of the steps, the last ones, over which weights are averaged, ten times evenly spread; the last step’s weights are that mean, and earlier ones are scored as they are. 0: none are averaged. Source: Schmidt, Vulić and Glavaš 2023.',
    }),
    evaluationsPerEpoch: Type.Integer({ minimum: 1, maximum: 100, default: 1, description: 'Scores on dev, evenly spread over an epoch. Source: the authors’ code; more is this project’s.' }),
    patience: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
      default: null,
      description: 'Stop after this many dev scores without a better one by `selection`; null: never. Source: this project.',
    }),
    selection: Type.Union([Type.Literal('source-dev'), Type.Literal('target-dev'), Type.Literal('last')], {
      default: 'source-dev',
      description: 'What picks the checkpoint: dev sets of languages with training labels, of the others, or the last step. Test sets are scored by each of them that the dev sets allow; this one is the run’s own. Source: this project; the authors’ code and CoLaDa use labels of the target language.',
    }),
    decoding: Type.Union([Type.Literal('viterbi'), Type.Literal('argmax')], {
      default: 'viterbi',
      description: 'How tags are read from probabilities: the best BIO-valid sequence, or each word’s best tag. Not for evaluators. Source: TSL and CoLaDa; the authors’ code.',
    }),
  },
  { additionalProperties: false, title: 'TrainingOptions' },
);
export type TrainingOptions = Static<typeof TrainingOptions>;

/** What a request may say: any of the options. */
export const RequestedOptions = Type.Partial(TrainingOptions, { additionalProperties: false, title: 'RequestedOptions' });
export type RequestedOptions = Static<typeof RequestedOptions>;
