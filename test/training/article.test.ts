// The main() of the article that this project was started from, mended: a teacher of both tasks on one encoder, its answers, and a student with two heads
// that learns from them. Hidden states are those of the encoder's fixture (from PyTorch); all after them is worked out in article-reference.ts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, test, type TestContext } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { layOut, type PackedBatch, type Window } from '../../src/encoders/pack.ts';
import { loadTokenizer, type PieceTokenizer } from '../../src/encoders/tokenizer.ts';
import { EncoderWeights } from '../../src/encoders/weights.ts';
import { evaluatorOf } from '../../src/inference/evaluator.ts';
import { batchInputs, functionName, predictor } from '../../src/inference/predictor.ts';
import { recognizerOf } from '../../src/inference/recognizer.ts';
import { noDropout } from '../../src/layers/dropout.ts';
import { parseEncoderConfig } from '../../src/models/config.ts';
import { encodeInputs, encoderInputs, predictFunction } from '../../src/models/outputs.ts';
import { loadBackend, tf, type Scalar, type Tensor } from '../../src/tensor/backend.ts';
import { compile } from '../../src/tensor/compile.ts';
import type { FunctionSpec } from '../../src/tensor/program-spec.ts';
import type { Program, Values } from '../../src/tensor/program.ts';
import { labelSet } from '../../src/text/label-set.ts';
import { articleLoss, type ArticleOptions } from '../../src/training/article.ts';
import { distillationTask } from '../../src/training/distillation.ts';
import { resolveOptions } from '../../src/training/options.ts';
import { windowUnits } from '../../src/training/prepare.ts';
import { recognitionTask, tagIndices } from '../../src/training/recognition.ts';
import { drawnPairsTask, pairValues } from '../../src/training/similarity.ts';
import { sumOf, type Task } from '../../src/training/task.ts';
import { binaryCrossEntropy, cosine, crossEntropy, dot, lossesOf, mean, sigmoid, softmax, totalOf, weightsOf, type ReferencePair, type Vector } from './article-reference.ts';

const directory = new URL('../fixtures/encoders/tiny-bert/', import.meta.url).pathname;
const json = (file: string): unknown => JSON.parse(readFileSync(directory + file, 'utf8'));
const config = parseEncoderConfig(json('config.json'));
const fixture = json('expected.json') as { words: string[][]; word_ids: (number | null)[][]; last_hidden_state: number[][][] };
const labels = labelSet(['LOC', 'PER']);
const TAGS = [['B-PER', 'I-PER', 'O', 'O', 'B-LOC', 'O'], ['O'], ['B-PER', 'O', 'O']];
const sentences = fixture.words.map((tokens, sentence) => ({ tokens, tags: TAGS[sentence]! }));
/** The words in one position of the first and the last sentence; the longer one's others meet padding, which is no pair. */
const PAIRS = [0, 1, 2].map((word) => ({ left: { sentence: 0, word }, right: { sentence: 2, word } }));
const SHAPES = [{ rows: 3, length: 16 }, { rows: 2, length: 64 }];
const WINDOW = { maxPieces: 64, wordPiece: 'first' } as const;

let tokenizer: PieceTokenizer;
let units: Window[][];
before(async () => {
  await loadBackend({ device: 'cpu' });
  tokenizer = await loadTokenizer(directory);
  units = await windowUnits(sentences, tokenizer, WINDOW);
});

interface Place {
  readonly sentence: number;
  readonly word: number;
}
interface Head {
  readonly weight: number[][];
  readonly bias: number[];
}

/** The hidden state at a word's first piece. */
const hidden = ({ sentence, word }: Place): Vector => fixture.last_hidden_state[sentence]![fixture.word_ids[sentence]!.indexOf(word)]!;
const logitsOf = ({ weight, bias }: Head, place: Place): number[] => weight.map((row, tag) => dot(row, hidden(place)) + bias[tag]!);
const places = sentences.flatMap(({ tokens }, sentence) => tokens.map((_, word) => ({ sentence, word })));

/** Large enough that distributions are far from even. */
function headOf(seed: number): Head {
  const { next } = random(seed);
  const value = (): number => Math.fround(2 * next() - 1);
  return { weight: labels.tags.map(() => Array.from({ length: config.hiddenSize }, value)), bias: labels.tags.map(value) };
}
const tensorsOf = (name: string, { weight, bias }: Head) => ({
  [`${name}.weight`]: { shape: [weight.length, config.hiddenSize], data: Float32Array.from(weight.flat()) },
  [`${name}.bias`]: { shape: [bias.length], data: Float32Array.from(bias) },
});

const teacherHead = headOf(3);
const studentHeads = { left: headOf(4), right: headOf(5) };
const probsT = (place: Place): number[] => softmax(logitsOf(teacherHead, place));
const similarityT = (left: Place, right: Place): number => sigmoid(cosine(hidden(left), hidden(right)));

interface Model {
  readonly program: Program;
  readonly encoder: EncoderWeights;
  /** The loss of the batch, on pairs as given instead of drawn ones. */
  loss(task: Task, pairs: readonly { left: Place; right: Place; target: number }[]): number;
}

/** All three sentences in one batch of this shape; what they do not fill is padding. */
function modelOf(t: TestContext, { shape, heads, task }: { shape: { rows: number; length: number }; heads: Parameters<typeof compile>[0]['variables']; task: Task }): Model {
  const encoder = new EncoderWeights({ directory, config });
  t.after(() => encoder.close());
  const loss: FunctionSpec = {
    inputs: { ...encoderInputs(config, shape, false), ...task.inputs(shape) },
    run: (weights, inputs) => ({ loss: task.loss(weights, encodeInputs(config, weights, inputs, noDropout), inputs, noDropout) }),
  };
  const predict = predictFunction(config, shape, { hasHead: true, hasVectors: true, hasWordVariable: false });
  const program = compile({ variables: { ...encoder.loadBody(), ...heads }, functions: { loss, [functionName(shape)]: predict }, precision: 'float32' });
  t.after(() => program.dispose());
  const windows = units.flat();
  const batch = layOut(windows.map((window) => [window]).slice(0, shape.rows - 1).concat([windows.slice(shape.rows - 1)]), shape, config);
  return {
    program,
    encoder,
    loss(given, pairs) {
      const placed = pairs.map(({ left, right, target }) => ({ left: atOf(batch, left), right: atOf(batch, right), target, weight: 1 / pairs.length }));
      const values: Values = { ...given.values(batch, random(1)), ...pairValues(batch, placed) };
      return program.call('loss', { ...batchInputs(batch, encoder.wordTable()), ...values })['loss']![0]!;
    },
  };
}

function atOf(batch: PackedBatch, { sentence, word }: Place): number {
  return batch.words.find((placed) => placed.sentence === sentence && placed.word === word)!.at;
}

function teacherTask(): Task {
  const similarity = drawnPairsTask({ units, tags: sentences.map((sentence) => tagIndices(sentence, labels)), options: resolveOptions('teacher', { preset: 'article' }) });
  return sumOf(recognitionTask({ sentences, units, labels }), similarity);
}

for (const shape of SHAPES) {
  describe(`in rows of ${shape.length} pieces`, () => {
    test('teacher, forward and loss: cross-entropy of tags over words plus that of similarities over pairs', (t) => {
      const task = teacherTask();
      const model = modelOf(t, { shape, heads: tensorsOf('head', teacherHead), task });
      const tagOf = ({ sentence, word }: Place): string => TAGS[sentence]![word]!;
      const oneHot = (place: Place): number[] => labels.tags.map((tag) => (tag === tagOf(place) ? 1 : 0));
      const recognition = mean(places.map((place) => crossEntropy(probsT(place), oneHot(place))));
      const pairs = PAIRS.map(({ left, right }) => ({ left, right, target: tagOf(left) === tagOf(right) ? 1 : 0 }));
      assert.deepEqual(pairs.map(({ target }) => target), [1, 0, 1]);
      const similarity = mean(pairs.map(({ left, right, target }) => binaryCrossEntropy(similarityT(left, right), target)));
      assertClose(model.loss(task, pairs), recognition + similarity);
    });

    test('teacher, inference: a distribution over tags for each word and a similarity for each pair', async (t) => {
      const { program, encoder } = modelOf(t, { shape, heads: tensorsOf('head', teacherHead), task: teacherTask() });
      const own = predictor({ program, shapes: [shape], config, tokenizer, words: encoder.wordTable(), window: WINDOW });
      const dispose = (): void => undefined;
      const recognized = await recognizerOf(own, labels, dispose).recognize(fixture.words);
      recognized.forEach(({ probs }, sentence) => {
        const expected = fixture.words[sentence]!.flatMap((_, word) => probsT({ sentence, word }));
        assert.equal(probs.length, expected.length);
        expected.forEach((value, index) => assertClose(probs[index]!, value));
      });
      const sideOf = ({ sentence, word }: Place) => ({ tokens: fixture.words[sentence]!, word });
      const found = await evaluatorOf(own, { hiddenSize: config.hiddenSize, temperature: 1, dispose }).similarity(PAIRS.map(({ left, right }) => ({ left: sideOf(left), right: sideOf(right) })));
      PAIRS.forEach(({ left, right }, index) => assertClose(found[index]!, similarityT(left, right)));
    });

    test('student, loss: gamma (alpha1 CE1 + beta BCE + alpha2 CE2) of both heads against the teacher’s answers', (t) => {
      const teachers = { probs: (sentence: number, word: number) => Float32Array.from(probsT({ sentence, word })), similarity: similarityT };
      const task = distillationTask({ units, teachers, numTags: labels.tags.length, options: resolveOptions('student', { preset: 'article' }) });
      const model = modelOf(t, { shape, heads: { ...tensorsOf('head', studentHeads.left), ...tensorsOf('rightHead', studentHeads.right) }, task });
      const pairs = PAIRS.map(({ left, right }): ReferencePair => ({
        z1: logitsOf(studentHeads.left, left),
        z2: logitsOf(studentHeads.right, right),
        t1: probsT(left),
        t2: probsT(right),
        sT: similarityT(left, right),
      }));
      const found = model.loss(task, PAIRS.map(({ left, right }) => ({ left, right, target: similarityT(left, right) })));
      assertClose(found, totalOf(lossesOf(pairs), weightsOf(pairs)));
    });
  });
}

describe('each option moves the article’s loss as its formula says', () => {
  const pairs = randomPairs(6);
  const losses = lossesOf(pairs);
  const weights = weightsOf(pairs);
  const shifted = mean(pairs.map(({ z1, z2 }) => Math.min(1, (2 * sigmoid(cosine(z1, z2)) - 1) ** 2 + 0.5)));
  const squaredError = (z: Vector, t: Vector): number => mean(softmax(z).map((p, tag) => (p - t[tag]!) ** 2));
  const squaredErrors = { ...losses, recognition1: mean(pairs.map(({ z1, t1 }) => squaredError(z1, t1))), recognition2: mean(pairs.map(({ z2, t2 }) => squaredError(z2, t2))) };
  const cases: [change: Partial<ArticleOptions>, expected: number][] = [
    [{}, totalOf(losses, weights)],
    [{ alpha: false }, totalOf(losses, { ...weights, alpha1: 1, alpha2: 1 })],
    [{ beta: 'none' }, totalOf(losses, { ...weights, beta: 1 })],
    [{ beta: 'shifted' }, totalOf(losses, { ...weights, beta: shifted })],
    [{ gamma: false }, totalOf(losses, { ...weights, gamma: 1 })],
    [{ similarityWeight: 0.25 }, totalOf({ ...losses, similarity: 0.25 * losses.similarity }, weights)],
    [{ recognitionLoss: 'meanSquaredError' }, totalOf(squaredErrors, weights)],
  ];
  for (const [change, expected] of cases) test(JSON.stringify(change), () => assertClose(lossOf(pairs, change).value, expected, 1e-6));
});

test('the article’s weights carry no gradient', () => {
  const pairs = randomPairs(4);
  const weights = weightsOf(pairs);
  const { gradients } = lossOf(pairs);
  const step = 1e-5;
  for (const side of ['z1', 'z2'] as const) {
    pairs.forEach((pair, index) => {
      pair[side].forEach((_, tag) => {
        const moved = (by: number): number => {
          const z = pair[side].map((value, at) => (at === tag ? value + by : value));
          return totalOf(lossesOf(pairs.with(index, { ...pair, [side]: z })), weights);
        };
        assertClose(gradients[side][index]![tag]!, (moved(step) - moved(-step)) / (2 * step), 1e-5);
      });
    });
  }
});

function randomPairs(count: number): ReferencePair[] {
  const { next } = random(11);
  const logits = (): number[] => Array.from({ length: 5 }, () => 6 * next() - 3);
  return Array.from({ length: count }, () => ({ z1: logits(), z2: logits(), t1: softmax(logits()), t2: softmax(logits()), sT: 0.27 + 0.46 * next() }));
}

/** By our own loss, with room for one pair more than there are. */
function lossOf(pairs: readonly ReferencePair[], change: Partial<ArticleOptions> = {}): { value: number; gradients: { z1: number[][]; z2: number[][] } } {
  const padded = [...pairs, pairs[0]!];
  const matrix = (name: 'z1' | 'z2' | 't1' | 't2'): Tensor => tf.tensor2d(padded.map((pair) => [...pair[name]]));
  const weights = tf.tensor1d(padded.map((_, index) => (index < pairs.length ? 1 / pairs.length : 0)));
  const options = { ...resolveOptions('student', { preset: 'article' }), ...change };
  const { value, grads }: { value: Scalar; grads: Tensor[] } = tf.valueAndGrads((...args: Tensor[]) => {
    const [left, right] = args as [Tensor, Tensor];
    const similarities = tf.tensor1d(padded.map(({ sT }) => sT));
    return articleLoss([{ logits: left, soft: matrix('t1') }, { logits: right, soft: matrix('t2') }], { similarities, weights }, options).asScalar();
  })([matrix('z1'), matrix('z2')]);
  const [z1, z2] = grads.map((gradient) => gradient.arraySync() as number[][]);
  return { value: value.dataSync()[0]!, gradients: { z1: z1!, z2: z2! } };
}

function assertClose(found: number, expected: number, tolerance = 1e-4): void {
  assert.ok(Math.abs(found - expected) <= tolerance * Math.max(1, Math.abs(expected)), `${found}, expected ${expected} within ${tolerance}`);
}
