/** An ONNX model as files whose weights are streamed: one, or two where it would pass what a protocol buffer may hold. */
import { bytes, bytesHead } from '../tensor/protobuf.ts';
import type { Constant, Graph } from './graph.ts';
import { encodeGraphHead, encodeModelHead, encodeTensorHead, FIELDS, type External } from './messages.ts';

/** Of a whole message, by readers' 31 bits; some room is left. */
const MAX_INLINE_BYTES = 2_000_000_000;
const MODEL_FILE = 'model.onnx';
const WEIGHTS_FILE = 'model.onnx.data';
/** Where weights of the second file begin, so that they can be mapped. */
const PAGE_BYTES = 4096;

/** A weight whose bytes come as they are written. */
export interface Weight {
  readonly name: string;
  readonly dtype: 'float32' | 'int8';
  readonly shape: readonly number[];
  chunks(): AsyncIterable<Buffer>;
}

export interface OnnxFile {
  readonly name: string;
  readonly sizeBytes: number;
  chunks(): AsyncIterable<Buffer>;
}

export interface OnnxModel {
  readonly graph: Graph;
  readonly weights: readonly Weight[];
  /** For people and programs that read it: custom metadata of the model. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** @param maxInlineBytes of weights; more go to a file of their own */
export function onnxFiles(model: OnnxModel, { maxInlineBytes = MAX_INLINE_BYTES }: { maxInlineBytes?: number } = {}): OnnxFile[] {
  const total = model.weights.reduce((sum, weight) => sum + sizeOf(weight), 0);
  return total > maxInlineBytes ? twoFiles(model) : [modelFile(model, model.weights.map(inline))];
}

/** One initializer: what is written before its bytes, and its bytes. */
interface Initializer {
  readonly head: Buffer;
  readonly weight?: Weight;
}

function modelFile({ graph, metadata }: OnnxModel, weights: readonly Initializer[]): OnnxFile {
  const initializers = [...graph.constants.map(constant), ...weights];
  const graphHead = encodeGraphHead(graph);
  const graphBytes = initializers.reduce((sum, { head, weight }) => sum + head.length + (weight === undefined ? 0 : sizeOf(weight)), graphHead.length);
  const head = Buffer.concat([encodeModelHead(metadata), bytesHead(FIELDS.model.graph, graphBytes), graphHead]);
  return {
    name: MODEL_FILE,
    sizeBytes: head.length + graphBytes - graphHead.length,
    async *chunks() {
      yield head;
      for (const { head: before, weight } of initializers) {
        yield before;
        if (weight !== undefined) yield* weight.chunks();
      }
    },
  };
}

function twoFiles(model: OnnxModel): OnnxFile[] {
  let end = 0;
  const placed = model.weights.map((weight) => {
    const offset = Math.ceil(end / PAGE_BYTES) * PAGE_BYTES;
    const padding = offset - end;
    end = offset + sizeOf(weight);
    return { weight, padding, place: { file: WEIGHTS_FILE, offset, length: sizeOf(weight) } };
  });
  const data: OnnxFile = {
    name: WEIGHTS_FILE,
    sizeBytes: end,
    async *chunks() {
      for (const { weight, padding } of placed) {
        yield Buffer.alloc(padding);
        yield* weight.chunks();
      }
    },
  };
  return [modelFile(model, placed.map(({ weight, place }) => outside(weight, place))), data];
}

function constant({ bytes: value, ...head }: Constant): Initializer {
  const tensor = Buffer.concat([encodeTensorHead(head), bytes(FIELDS.tensor.rawData, value)]);
  return { head: bytes(FIELDS.graph.initializer, tensor) };
}

function inline(weight: Weight): Initializer {
  const tensor = Buffer.concat([encodeTensorHead(weight), bytesHead(FIELDS.tensor.rawData, sizeOf(weight))]);
  return { head: Buffer.concat([bytesHead(FIELDS.graph.initializer, tensor.length + sizeOf(weight)), tensor]), weight };
}

function outside(weight: Weight, place: External): Initializer {
  return { head: bytes(FIELDS.graph.initializer, encodeTensorHead(weight, place)) };
}

function sizeOf({ dtype, shape }: Weight): number {
  return (dtype === 'int8' ? 1 : 4) * shape.reduce((a, b) => a * b, 1);
}
