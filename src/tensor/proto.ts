/**
 * Writes the few protocol buffer messages of a SavedModel that a compiled program needs.
 * Source of the field numbers: tensorflow/core/protobuf/{saved_model,meta_graph}.proto and core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto.
 */

import { bytes, float, integer } from './protobuf.ts';

/** Values of tensorflow.DataType that we use. */
export const DataType = { float32: 1, int32: 3, string: 7, int64: 9, bool: 10, bfloat16: 14, resource: 20 } as const;

export interface TensorProto {
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

export type AttrValue =
  | { readonly s: string }
  | { readonly i: number }
  | { readonly f: number }
  | { readonly b: boolean }
  | { readonly type: number }
  | { readonly shape: readonly number[] }
  | { readonly tensor: TensorProto }
  | { readonly ints: readonly number[] };

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
}

/** GraphDef version that libtensorflow 2.21 writes; older ones change how defaults are read. */
const GRAPH_VERSION = 1087;

/** A SavedModel with one meta graph, tagged "serve". */
export function encodeSavedModel(nodes: readonly NodeDef[]): Buffer {
  const graph = Buffer.concat([...nodes.map((node) => bytes(1, encodeNode(node))), bytes(4, integer(1, GRAPH_VERSION))]);
  const metaGraph = Buffer.concat([bytes(1, bytes(4, 'serve')), bytes(2, graph)]);
  return Buffer.concat([integer(1, 1), bytes(2, metaGraph)]);
}

function encodeNode(node: NodeDef): Buffer {
  const attrs = Object.entries(node.attrs).map(([key, value]) => bytes(5, Buffer.concat([bytes(1, key), bytes(2, encodeAttr(value))])));
  return Buffer.concat([bytes(1, node.name), bytes(2, node.op), ...node.inputs.map((input) => bytes(3, input)), ...attrs]);
}

function encodeAttr(value: AttrValue): Buffer {
  if ('s' in value) return bytes(2, value.s);
  if ('i' in value) return integer(3, value.i);
  if ('f' in value) return float(4, value.f);
  if ('b' in value) return integer(5, value.b ? 1 : 0);
  if ('type' in value) return integer(6, value.type);
  if ('shape' in value) return bytes(7, encodeShape(value.shape));
  if ('tensor' in value) return bytes(8, encodeTensor(value.tensor));
  return bytes(1, Buffer.concat(value.ints.map((i) => integer(3, i))));
}

function encodeTensor({ dtype, shape, data }: TensorProto): Buffer {
  return Buffer.concat([integer(1, dtype), bytes(2, encodeShape(shape)), bytes(4, Buffer.from(data.buffer, data.byteOffset, data.byteLength))]);
}

function encodeShape(shape: readonly number[]): Buffer {
  return Buffer.concat(shape.map((size) => bytes(2, integer(1, size))));
}
