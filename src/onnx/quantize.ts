/** Rows of numbers as 8-bit integers, each row with a scale of its own. */
import type { EncoderConfig } from '../models/config.ts';
import { layerWeightNames } from '../models/names.ts';

/**
 * Largest integer of a weight that is multiplied. Processors without VNNI add two products of uint8 and int8 to 16 bits before they go on, and cut
 * off what is too large: 2 * 255 * 64 is not. It makes all processors compute the same. Source: `reduce_range` of onnxruntime's quantization.
 */
export const LARGEST_FACTOR = 64;
/** Of a table's rows, which are only looked up. */
export const LARGEST_ENTRY = 127;

export interface QuantizedRows {
  /** `[rows, columns]`; times its row's scale it is the number, but for half a scale at most. */
  readonly integers: Int8Array;
  /** `[rows]`; 1 for a row of zeros. */
  readonly scales: Float32Array;
}

/** @param values `[rows, columns]` @param largest integer, which the row's largest absolute value becomes; zero stays zero */
export function quantizeRows(values: Float32Array, { columns, largest }: { columns: number; largest: number }): QuantizedRows {
  const scales = scalesOfRows(values, { columns, largest });
  const integers = new Int8Array(values.length);
  for (const [row, scale] of scales.entries()) {
    for (let at = row * columns; at < (row + 1) * columns; at++) integers[at] = roundEven((values[at] ?? 0) / scale);
  }
  return { integers, scales };
}

export function scalesOfRows(values: Float32Array, { columns, largest }: { columns: number; largest: number }): Float32Array {
  return Float32Array.from({ length: values.length / columns }, (_, row) => {
    let most = 0;
    for (let at = row * columns; at < (row + 1) * columns; at++) most = Math.max(most, Math.abs(values[at] ?? 0));
    return Math.fround(most / largest) || 1;
  });
}

/** Our names of the weights that an int8 model has as integers, with the largest one of each. What is small or adds up stays float32, the head too: it is 1 % of the time. */
export function quantizedWeights({ layers }: Pick<EncoderConfig, 'layers'>): Map<string, number> {
  const linears = Array.from({ length: layers }, (_, layer) => layerWeightNames(layer)).flat().filter((name) => name.endsWith('.weight'));
  return new Map([['embeddings.word', LARGEST_ENTRY], ...linears.map((name) => [name, LARGEST_FACTOR] as const)]);
}

/** Name of the scales of a weight. @param name of the weight in the graph */
export function scalesName(name: string): string {
  return `${name}_scale`;
}

/** Halves go to the even integer, as in ONNX: weights that were 4-bit once have many, and rounded up they would all err to one side. */
function roundEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
