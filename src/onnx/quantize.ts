/** Rows of numbers as 8-bit integers, each row with a scale of its own. */
import type { EncoderConfig } from '../models/config.ts';
import { isLinearWeight, layerWeightNames } from '../models/names.ts';

const LARGEST = 127;

/**
 * What a row is for. An `entry` of a table is looked up: its largest value becomes 127.
 *
 * `factors` are multiplied. Processors without VNNI add the products of two neighbours with uint8 numbers in 16 bits, and cut off what is too large:
 * so the largest sum of two neighbours (the first and second, third and fourth, ...) of one sign becomes 127 where it is larger than any value, and
 * at most 128 when rounded, since 255 * 128 fits. All processors then compute the same. onnxruntime's way to it, `reduce_range`, is 64 for each
 * value: it leaves errors a half larger, and cost a student 0.1, 0.1 and 0.45 of F1 on CoNLL's Spanish test (three seeds), where this costs none.
 */
export type RowUse = 'entry' | 'factors';

export interface QuantizedRows {
  /** `[rows, columns]`; times its row's scale it is the number, but for half a scale at most. */
  readonly integers: Int8Array;
  /** `[rows]`; 1 for a row of zeros. */
  readonly scales: Float32Array;
}

/** @param values `[rows, columns]`; zero stays zero */
export function quantizeRows(values: Float32Array, row: { columns: number; use: RowUse }): QuantizedRows {
  const { columns } = row;
  const scales = scalesOfRows(values, row);
  const integers = new Int8Array(values.length);
  for (const [index, scale] of scales.entries()) {
    for (let at = index * columns; at < (index + 1) * columns; at++) integers[at] = roundEven((values[at] ?? 0) / scale);
  }
  return { integers, scales };
}

export function scalesOfRows(values: Float32Array, { columns, use }: { columns: number; use: RowUse }): Float32Array {
  const largest = use === 'factors' ? largestOfPairs : largestOf;
  return Float32Array.from({ length: values.length / columns }, (_, row) => Math.fround(largest(values.subarray(row * columns, (row + 1) * columns)) / LARGEST) || 1);
}

/** Our names of the weights that an int8 model has as integers. What is small or adds up stays float32, the head too: it is 1 % of the time. */
export function quantizedWeights({ layers }: Pick<EncoderConfig, 'layers'>): Map<string, RowUse> {
  const linears = Array.from({ length: layers }, (_, layer) => layerWeightNames(layer)).flat().filter(isLinearWeight);
  return new Map<string, RowUse>([['embeddings.word', 'entry'], ...linears.map((name): [string, RowUse] => [name, 'factors'])]);
}

/** Name of the scales of a weight. @param name of the weight in the graph */
export function scalesName(name: string): string {
  return `${name}_scale`;
}

function largestOf(row: Float32Array): number {
  let most = 0;
  for (const value of row) most = Math.max(most, Math.abs(value));
  return most;
}

function largestOfPairs(row: Float32Array): number {
  let most = 0;
  for (let at = 0; at < row.length; at += 2) {
    const [one, other] = [row[at] ?? 0, row[at + 1] ?? 0];
    most = Math.max(most, Math.abs(one), Math.abs(other), Math.abs(one + other));
  }
  return most;
}

/** Halves go to the even integer, as in ONNX: weights that were 4-bit once have many, and rounded up they would all err to one side. */
function roundEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
