/** Learning whether two words have the same tag (MTMT, section 3.2): from pairs drawn inside each batch, or uploaded ones. */
import type { WordPair } from '../corpora/pairs.ts';
import type { PackedBatch, Window } from '../encoders/pack.ts';
import type { InputSpec } from '../tensor/program-spec.ts';
import type { Values } from '../tensor/program.ts';
import { kernels } from '../tensor/kernels.ts';
import type { RowShape } from '../models/outputs.ts';
import type { TrainingOptions } from '../schemas/options.ts';
import { balanceOf, drawPairs } from './draw.ts';
import { similarityLoss } from './losses.ts';
import { input, type Task } from './task.ts';

export interface PlacedPair {
  /** Flat indices of both words in the batch. */
  readonly left: number;
  readonly right: number;
  /** What the similarity should be, in [0, 1]. */
  readonly target: number;
  readonly weight: number;
}

/** Pairs are drawn anew for every batch. */
export function drawnPairsTask({ units, tags, options }: { units: readonly (readonly Window[])[]; tags: readonly Int32Array[]; options: TrainingOptions }): Task {
  const { pairsPerWord, similarityTemperature: temperature } = options;
  return {
    ...pairTask(units, { temperature, perPiece: pairsPerWord }),
    values: (batch, random) => {
      const own = Int32Array.from(batch.words, ({ sentence, word }) => (tags[sentence] as Int32Array)[word] as number);
      const pairs = drawPairs(own, { count: Math.round(own.length * pairsPerWord), balance: balanceOf(options), outside: 0, random });
      const placed = pairs.map(({ left, right, same }) => ({ left: at(batch, left), right: at(batch, right), target: same ? 1 : 0, weight: 1 / pairs.length }));
      return pairValues(batch, placed, pairsPerWord);
    },
  };
}

/** Sentence 2k of the units is the left side of pair k, 2k + 1 the right. */
export function uploadedPairsTask({ units, pairs, temperature }: { units: readonly (readonly Window[])[]; pairs: readonly WordPair[]; temperature: number }): Task {
  return {
    ...pairTask(units, { temperature }),
    values: (batch) => {
      const sides = new Map<number, number>();
      for (const { sentence, word, at } of batch.words) {
        const pair = pairs[sentence >> 1];
        if (word === (sentence % 2 === 0 ? pair?.left.word : pair?.right.word)) sides.set(sentence, at);
      }
      const lefts = [...sides.keys()].filter((sentence) => sentence % 2 === 0 && sides.has(sentence + 1));
      const placed = lefts.map((sentence) => ({
        left: sides.get(sentence) as number,
        right: sides.get(sentence + 1) as number,
        target: pairs[sentence >> 1]?.same === true ? 1 : 0,
        weight: 1 / lefts.length,
      }));
      return pairValues(batch, placed);
    },
  };
}

/** There is room for `perPiece` pairs a piece, as many as a word may begin; the rest has weight 0. */
export function pairInputs(batch: RowShape, perPiece = 1): Record<string, InputSpec> {
  const shape = [roomOf(batch, perPiece)];
  return { left: { shape, dtype: 'int32' }, right: { shape, dtype: 'int32' }, similarities: { shape, dtype: 'float32' }, pairWeights: { shape, dtype: 'float32' } };
}

export function pairValues(batch: RowShape, pairs: readonly PlacedPair[], perPiece = 1): Values {
  const size = roomOf(batch, perPiece);
  const values = { left: new Int32Array(size), right: new Int32Array(size), similarities: new Float32Array(size), pairWeights: new Float32Array(size) };
  pairs.slice(0, size).forEach(({ left, right, target, weight }, index) => {
    values.left[index] = left;
    values.right[index] = right;
    values.similarities[index] = target;
    values.pairWeights[index] = weight;
  });
  return values;
}

function roomOf({ rows, length }: RowShape, perPiece: number): number {
  return Math.ceil(rows * length * perPiece);
}

function pairTask(units: readonly (readonly Window[])[], { temperature, perPiece = 1 }: { temperature: number; perPiece?: number }): Omit<Task, 'values'> {
  return {
    units,
    inputs: (shape) => pairInputs(shape, perPiece),
    loss: (_weights, vectors, inputs, drop) =>
      similarityLoss(kernels.dropout(vectors, drop()), {
        left: input(inputs, 'left'),
        right: input(inputs, 'right'),
        targets: input(inputs, 'similarities'),
        weights: input(inputs, 'pairWeights'),
        temperature,
      }),
  };
}

function at(batch: PackedBatch, word: number): number {
  return batch.words[word]?.at ?? 0;
}
