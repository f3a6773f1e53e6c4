/** A checkpoint as an ONNX model. */
import { toHuggingFace } from '../models/names.ts';
import { encoderGraph, isTransposed } from '../onnx/encoder.ts';
import { onnxFiles, type OnnxFile, type Weight } from '../onnx/file.ts';
import type { Precision } from '../onnx/linear.ts';
import { quantizedWeights, quantizeRows, scalesName, scalesOfRows, type RowUse } from '../onnx/quantize.ts';
import { hasHead, longestWindow, type Manifest } from './manifest.ts';
import { bytesOf, type ModelWeight } from './weights.ts';

/** @param maxInlineBytes see `onnxFiles` @returns model.onnx, and its weights apart where they are over 2 GB; under transformers' names */
export function onnxModel(manifest: Manifest, weights: readonly ModelWeight[], options: { precision: Precision; maxInlineBytes?: number }): OnnxFile[] {
  const { config, tags } = manifest;
  const { precision } = options;
  const nameOf = (name: string): string => toHuggingFace(config.family, name);
  const graph = encoderGraph({ config, tags: hasHead(manifest) ? tags.length : null, nameOf, precision });
  const metadata = { checkpointId: manifest.checkpointId, tags: JSON.stringify(tags), maxPieces: String(longestWindow(manifest)), wordPiece: manifest.wordPiece, precision };
  const uses = precision === 'int8' ? quantizedWeights(config) : new Map<string, RowUse>();
  const written = weights.flatMap((weight) => {
    const use = uses.get(weight.name);
    return use === undefined ? [float(weight, nameOf(weight.name))] : quantized(weight, { name: nameOf(weight.name), use });
  });
  return onnxFiles({ graph, weights: written, metadata }, options);
}

function float({ name: own, shape, parts }: ModelWeight, name: string): Weight {
  const [rows = 1, columns = 1] = shape;
  if (!isTransposed(own)) return { name, dtype: 'float32', shape, chunks: () => mapped(parts(), bytesOf) };
  return { name, dtype: 'float32', shape: [columns, rows], chunks: () => turned(parts(), new Float32Array(rows * columns), rows) };
}

/** A scale for each row: a linear layer's output, a table's entry. */
function quantized({ name: own, shape, parts }: ModelWeight, { name, use }: { name: string; use: RowUse }): Weight[] {
  const [rows = 1, columns = 1] = shape;
  const integers = (part: Float32Array): Int8Array => quantizeRows(part, { columns, use }).integers;
  const scales: Weight = {
    name: scalesName(name),
    dtype: 'float32',
    shape: isTransposed(own) ? [rows] : [rows, 1],
    chunks: () => mapped(parts(), (part) => bytesOf(scalesOfRows(part, { columns, use }))),
  };
  if (!isTransposed(own)) return [{ name, dtype: 'int8', shape, chunks: () => mapped(parts(), (part) => bytesOf(integers(part))) }, scales];
  return [{ name, dtype: 'int8', shape: [columns, rows], chunks: () => turned(mapped(parts(), integers), new Int8Array(rows * columns), rows) }, scales];
}

/** One of a layer: some megabytes. @param parts of `[rows, columns]` @param values of the same size, to be filled with `[columns, rows]` */
async function* turned<T extends Float32Array | Int8Array>(parts: AsyncIterable<T>, values: T, rows: number): AsyncGenerator<Buffer> {
  const columns = values.length / rows;
  let at = 0;
  for await (const part of parts) {
    for (const value of part) values[(at % columns) * rows + Math.floor(at++ / columns)] = value;
  }
  yield bytesOf(values);
}

async function* mapped<T>(parts: AsyncIterable<Float32Array>, map: (part: Float32Array) => T): AsyncGenerator<T> {
  for await (const part of parts) yield map(part);
}
