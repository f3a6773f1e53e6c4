/** A checkpoint as an ONNX model. */
import { encoderGraph, isTransposed } from '../onnx/encoder.ts';
import { onnxFiles, type OnnxFile, type Weight } from '../onnx/file.ts';
import { toHuggingFace } from '../models/names.ts';
import { hasHead, longestWindow, type Manifest } from './manifest.ts';
import { bytesOf, type ModelWeight } from './weights.ts';

/** @param maxInlineBytes see `onnxFiles` @returns model.onnx, and its weights apart where they are over 2 GB; float32 under transformers' names */
export function onnxModel(manifest: Manifest, weights: readonly ModelWeight[], options: { maxInlineBytes?: number } = {}): OnnxFile[] {
  const { config, tags } = manifest;
  const nameOf = (name: string): string => toHuggingFace(config.family, name);
  const graph = encoderGraph({ config, tags: hasHead(manifest) ? tags.length : null, nameOf });
  const metadata = { checkpointId: manifest.checkpointId, tags: JSON.stringify(tags), maxPieces: String(longestWindow(manifest)), wordPiece: manifest.wordPiece };
  return onnxFiles({ graph, weights: weights.map((weight) => foreign(weight, nameOf(weight.name))), metadata }, options);
}

function foreign({ name: own, shape, parts }: ModelWeight, name: string): Weight {
  const [rows = 1, columns = 1] = shape;
  if (!isTransposed(own)) return { name, shape, chunks: () => bytesOfEach(parts()) };
  return {
    name,
    shape: [columns, rows],
    async *chunks() {
      // one of a layer: some megabytes
      const values = new Float32Array(rows * columns);
      let at = 0;
      for await (const part of parts()) {
        for (const value of part) values[(at % columns) * rows + Math.floor(at++ / columns)] = value;
      }
      yield bytesOf(values);
    },
  };
}

async function* bytesOfEach(parts: AsyncIterable<Float32Array>): AsyncGenerator<Buffer> {
  for await (const part of parts) yield bytesOf(part);
}
