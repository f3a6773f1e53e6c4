/** A student learning from both teachers on raw target text (MTMT, section 3.3): every word is distilled, pairs are drawn inside the batch. */
import type { Window } from '../encoders/pack.ts';
import { tagLogits } from '../models/outputs.ts';
import type { TrainingOptions } from '../schemas/options.ts';
import { drawPartners } from './draw.ts';
import { distillationLoss, similarityLoss } from './losses.ts';
import { pairInputs, pairValues } from './similarity.ts';
import { input, type Task } from './task.ts';
import { objectiveWeights } from './weights.ts';

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

export function distillationTask({ units, teachers, numTags, options }: { units: readonly (readonly Window[])[]; teachers: TeacherOutputs; numTags: number; options: TrainingOptions }): Task {
  return {
    units,
    inputs: (shape) => ({
      softTags: { shape: [shape.rows * shape.length, numTags], dtype: 'float32' },
      wordWeights: { shape: [shape.rows * shape.length], dtype: 'float32' },
      ...pairInputs(shape),
    }),
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
      const size = batch.rows * batch.length;
      const probs = batch.words.map(({ sentence, word }) => teachers.probs(sentence, word));
      const drawn = drawPartners(probs.map(indexOfMax), { balance: options.pairBalance, random });
      const pairs = drawn.map(({ left, right }) => ({ left, right, similarity: teachers.similarity(placeOf(left), placeOf(right)) }));
      const weights = objectiveWeights(probs, pairs, options);
      const softTags = new Float32Array(size * numTags);
      const wordWeights = new Float32Array(size);
      batch.words.forEach(({ at }, index) => {
        softTags.set(probs[index] as Float32Array, at * numTags);
        wordWeights[at] = weights.words[index] as number;
      });
      const placed = pairs.map(({ left, right, similarity }, index) => ({
        left: placeOf(left).at,
        right: placeOf(right).at,
        target: similarity,
        weight: weights.pairs[index] as number,
      }));
      return { softTags, wordWeights, ...pairValues(batch, placed) };

      function placeOf(word: number): WordPlace & { at: number } {
        return batch.words[word] ?? { sentence: 0, word: 0, at: 0 };
      }
    },
  };
}

function indexOfMax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
