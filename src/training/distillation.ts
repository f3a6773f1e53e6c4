/** A student learning from both teachers on raw target text (MTMT, section 3.3): pairs of words are drawn inside each batch. */
import type { PackedBatch, PlacedWord, Window } from '../encoders/pack.ts';
import type { Random } from '../corpora/random.ts';
import { tagLogits, type RowShape } from '../models/outputs.ts';
import type { TrainingOptions } from '../schemas/options.ts';
import { gatherRows } from '../tensor/ops.ts';
import type { InputSpec } from '../tensor/program-spec.ts';
import { articleLoss, type Side } from './article.ts';
import { balanceOf, drawPartners, oneOfEachWindow } from './draw.ts';
import { distillationLoss, similarityLoss } from './losses.ts';
import { pairInputs, pairValues, type PlacedPair } from './similarity.ts';
import { input, type Task } from './task.ts';
import { objectiveWeights, type WordPairOfBatch } from './weights.ts';

/** What the teachers say of every word of the target text. */
export interface TeacherOutputs {
  /** The recognizers' mean distribution for a word, `[tags]`. */
  probs(sentence: number, word: number): Float32Array;
  /** sT of two words: the evaluators' mean. */
  similarity(left: WordPlace, right: WordPlace): number;
}
export interface WordPlace {
  readonly sentence: number;
  readonly word: number;
}

export interface DistillationSpec {
  readonly units: readonly (readonly Window[])[];
  readonly teachers: TeacherOutputs;
  readonly numTags: number;
  readonly options: TrainingOptions;
}

/** Whether anything that the student minimizes asks an evaluator: its outputs take as long to compute as a recognizer's. */
export function readsEvaluators({ objective, similarityWeight, gamma, neighbourShare }: TrainingOptions): boolean {
  return similarityWeight > 0 || neighbourShare > 0 || (objective === 'mtmt' && gamma);
}

export function distillationTask(spec: DistillationSpec): Task {
  return spec.options.objective === 'article' ? articleTask(spec) : regroupedTask(spec);
}

/** The paper's objective, regrouped to a weight for each word's recognition loss and one for each pair's similarity loss. */
function regroupedTask(spec: DistillationSpec): Task {
  const { units, numTags, options } = spec;
  return {
    units,
    inputs: (shape) => ({ ...taughtInputs(shape, spec), wordWeights: { shape: [shape.rows * shape.length], dtype: 'float32' } }),
    loss: (weights, vectors, inputs, drop) => {
      const recognition = distillationLoss(tagLogits(weights, vectors, drop), input(inputs, 'softTags'), input(inputs, 'wordWeights'), options.recognitionLoss);
      const similarity = similarityLoss(vectors, {
        left: input(inputs, 'left'),
        right: input(inputs, 'right'),
        targets: input(inputs, 'similarities'),
        weights: input(inputs, 'pairWeights'),
        temperature: options.similarityTemperature,
      });
      return recognition.add(similarity);
    },
    values: (batch, random) => {
      const { words, probs, pairs } = drawTaught(batch, random, spec);
      const weights = objectiveWeights(probs, pairs, options);
      const wordWeights = new Float32Array(batch.rows * batch.length);
      words.forEach(({ at }, index) => {
        wordWeights[at] = weights.words[index] as number;
      });
      const placed = pairs.map((pair, index) => ({ ...placedOf(pair, words), weight: weights.pairs[index] as number }));
      return { softTags: softTags(batch, words, probs, numTags), wordWeights, ...pairValues(batch, placed, options.pairsPerWord) };
    },
  };
}

/** The article's objective, whose weights are the student's and so part of the graph. */
function articleTask(spec: DistillationSpec): Task {
  const { units, numTags, options } = spec;
  return {
    units,
    inputs: (shape) => taughtInputs(shape, spec),
    loss: (weights, vectors, inputs, drop) => {
      const sideOf = (side: 'left' | 'right'): Side => ({
        logits: gatherRows(tagLogits(weights, vectors, drop, side), input(inputs, side)),
        soft: gatherRows(input(inputs, 'softTags'), input(inputs, side)),
      });
      return articleLoss([sideOf('left'), sideOf('right')], { similarities: input(inputs, 'similarities'), weights: input(inputs, 'pairWeights') }, options);
    },
    values: (batch, random) => {
      const { words, probs, pairs } = drawTaught(batch, random, spec);
      const placed = pairs.map((pair) => ({ ...placedOf(pair, words), weight: 1 / pairs.length }));
      return { softTags: softTags(batch, words, probs, numTags), ...pairValues(batch, placed, options.pairsPerWord) };
    },
  };
}

function taughtInputs(shape: RowShape, { numTags, options }: DistillationSpec): Record<string, InputSpec> {
  return { softTags: { shape: [shape.rows * shape.length, numTags], dtype: 'float32' }, ...pairInputs(shape, options.pairsPerWord) };
}

interface Taught {
  /** Those that take part in pairs. */
  readonly words: readonly PlacedWord[];
  /** The recognizer's distribution for each of them. */
  readonly probs: readonly Float32Array[];
  readonly pairs: readonly WordPairOfBatch[];
}

function drawTaught(batch: PackedBatch, random: Random, { teachers, options }: DistillationSpec): Taught {
  const words = options.distil === 'everyWord' ? batch.words : oneOfEachWindow(batch, random);
  const probs = words.map(({ sentence, word }) => teachers.probs(sentence, word));
  const drawn = drawPartners(probs.map(indexOfMax), { balance: balanceOf(options), perWord: options.pairsPerWord, random });
  const pairs = drawn.map(({ left, right }) => ({ left, right, similarity: teachers.similarity(words[left] as PlacedWord, words[right] as PlacedWord) }));
  return { words, probs, pairs };
}

function placedOf({ left, right, similarity }: WordPairOfBatch, words: readonly PlacedWord[]): Omit<PlacedPair, 'weight'> {
  return { left: (words[left] as PlacedWord).at, right: (words[right] as PlacedWord).at, target: similarity };
}

/** `[rows * length, tags]`; zeros where no word is distilled. */
function softTags({ rows, length }: RowShape, words: readonly PlacedWord[], probs: readonly Float32Array[], numTags: number): Float32Array {
  const values = new Float32Array(rows * length * numTags);
  words.forEach(({ at }, index) => values.set(probs[index] as Float32Array, at * numTags));
  return values;
}

function indexOfMax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
