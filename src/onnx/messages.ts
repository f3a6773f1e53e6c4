/** The protocol buffer messages of an ONNX model that an encoder needs. Source of the field numbers: onnx/onnx.proto of ONNX 1.12. */
import { bytes, float, integer } from '../tensor/protobuf.ts';

/** Values of onnx.TensorProto.DataType. */
export const DataType = { float32: 1, int8: 3, int64: 7 } as const;
export type DataType = keyof typeof DataType;

/** ONNX 1.12, of 2022: has LayerNormalization, and onnxruntime reads it from 1.12 on. */
const IR_VERSION = 8;
const OPSET_VERSION = 17;
/** Values of onnx.AttributeProto.AttributeType. */
const AttributeType = { float: 1, int: 2, ints: 7 } as const;
const EXTERNAL = 1;

export type Attribute = { readonly i: number } | { readonly f: number } | { readonly ints: readonly number[] };

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** An input or output; a text in its shape is an axis of any size. */
export interface Port {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly (number | string)[];
}

/** A value that the graph holds: small ones with their bytes, weights without. */
export interface TensorHead {
  readonly name: string;
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

/** A file beside the model, and where in it a tensor's bytes are. */
export interface External {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** Field numbers that a writer of parts needs. */
export const FIELDS = { model: { graph: 7 }, graph: { initializer: 5 }, tensor: { rawData: 9 } } as const;

/** All of a ModelProto but its graph. */
export function encodeModelHead(metadata: Readonly<Record<string, string>>): Buffer {
  const opset = Buffer.concat([bytes(1, ''), integer(2, OPSET_VERSION)]);
  return Buffer.concat([integer(1, IR_VERSION), bytes(2, 'mtmt'), bytes(8, opset), ...Object.entries(metadata).map((entry) => bytes(14, encodeEntry(entry)))]);
}

/** All of a GraphProto but its initializers. */
export function encodeGraphHead({ nodes, inputs, outputs }: { nodes: readonly Node[]; inputs: readonly Port[]; outputs: readonly Port[] }): Buffer {
  return Buffer.concat([
    ...nodes.map((node) => bytes(1, encodeNode(node))),
    bytes(2, 'mtmt'),
    ...inputs.map((port) => bytes(11, encodePort(port))),
    ...outputs.map((port) => bytes(12, encodePort(port))),
  ]);
}

/** A TensorProto but for its bytes, which are in another file or follow as the field `rawData`. */
export function encodeTensorHead({ name, dtype, shape }: TensorHead, external?: External): Buffer {
  const head = [...shape.map((size) => integer(1, size)), integer(2, DataType[dtype]), bytes(8, name)];
  if (external === undefined) return Buffer.concat(head);
  const place = Object.entries({ location: external.file, offset: String(external.offset), length: String(external.length) });
  return Buffer.concat([...head, ...place.map((entry) => bytes(13, encodeEntry(entry))), integer(14, EXTERNAL)]);
}

function encodeNode({ op, inputs, outputs, attributes }: Node): Buffer {
  const encoded = Object.entries(attributes).map(([name, attribute]) => bytes(5, encodeAttribute(name, attribute)));
  // named after what it gives, for error messages and profilers
  return Buffer.concat([...inputs.map((input) => bytes(1, input)), ...outputs.map((output) => bytes(2, output)), bytes(3, outputs[0] ?? op), bytes(4, op), ...encoded]);
}

function encodeAttribute(name: string, attribute: Attribute): Buffer {
  const head = bytes(1, name);
  if ('f' in attribute) return Buffer.concat([head, float(2, attribute.f), integer(20, AttributeType.float)]);
  if ('i' in attribute) return Buffer.concat([head, integer(3, attribute.i), integer(20, AttributeType.int)]);
  return Buffer.concat([head, ...attribute.ints.map((value) => integer(8, value)), integer(20, AttributeType.ints)]);
}

function encodePort({ name, dtype, shape }: Port): Buffer {
  const dimensions = shape.map((size) => bytes(1, typeof size === 'number' ? integer(1, size) : bytes(2, size)));
  const tensor = Buffer.concat([integer(1, DataType[dtype]), bytes(2, Buffer.concat(dimensions))]);
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, tensor))]);
}

function encodeEntry([key, value]: readonly [string, string]): Buffer {
  return Buffer.concat([bytes(1, key), bytes(2, value)]);
}
