/** Reads back what `src/onnx` writes, by the field numbers of onnx.proto alone. */
import assert from 'node:assert/strict';

export interface DecodedTensor {
  readonly name: string;
  readonly dtype: number;
  readonly shape: readonly number[];
  /** Null where they are in another file. */
  readonly raw: Buffer | null;
  readonly external: Readonly<Record<string, string>>;
}

export interface DecodedPort {
  readonly name: string;
  readonly dtype: number;
  readonly shape: readonly (number | string)[];
}

export interface DecodedModel {
  readonly irVersion: number;
  readonly opset: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly nodes: readonly { readonly op: string; readonly inputs: readonly string[]; readonly outputs: readonly string[] }[];
  readonly tensors: readonly DecodedTensor[];
  readonly inputs: readonly DecodedPort[];
  readonly outputs: readonly DecodedPort[];
}

export function decodeModel(file: Buffer): DecodedModel {
  const model = fieldsOf(file);
  const graph = fieldsOf(model.bytes(7)[0] ?? assert.fail('there is no graph'));
  return {
    irVersion: model.number(1),
    opset: fieldsOf(model.bytes(8)[0] ?? assert.fail('there is no opset')).number(2),
    metadata: entriesOf(model.bytes(14)),
    nodes: graph.bytes(1).map((node) => ({ op: fieldsOf(node).texts(4)[0] ?? '', inputs: fieldsOf(node).texts(1), outputs: fieldsOf(node).texts(2) })),
    tensors: graph.bytes(5).map(tensorOf),
    inputs: graph.bytes(11).map(portOf),
    outputs: graph.bytes(12).map(portOf),
  };
}

function tensorOf(bytes: Buffer): DecodedTensor {
  const tensor = fieldsOf(bytes);
  const isExternal = tensor.numbers(14)[0] === 1;
  return { name: tensor.texts(8)[0] ?? '', dtype: tensor.number(2), shape: tensor.numbers(1), raw: isExternal ? null : (tensor.bytes(9)[0] ?? null), external: entriesOf(tensor.bytes(13)) };
}

function portOf(bytes: Buffer): DecodedPort {
  const port = fieldsOf(bytes);
  const only = (from: Buffer, field: number): Buffer => fieldsOf(from).bytes(field)[0] ?? assert.fail(`there is no field ${field}`);
  const tensor = only(only(bytes, 2), 1);
  const shape = fieldsOf(only(tensor, 2)).bytes(1).map((dimension) => fieldsOf(dimension).texts(2)[0] ?? fieldsOf(dimension).number(1));
  return { name: port.texts(1)[0] ?? '', dtype: fieldsOf(tensor).number(1), shape };
}

function entriesOf(entries: readonly Buffer[]): Record<string, string> {
  return Object.fromEntries(entries.map((entry) => [fieldsOf(entry).texts(1)[0] ?? '', fieldsOf(entry).texts(2)[0] ?? '']));
}

interface Fields {
  number(field: number): number;
  numbers(field: number): number[];
  texts(field: number): string[];
  bytes(field: number): Buffer[];
}

function fieldsOf(message: Buffer): Fields {
  const numbers = new Map<number, number[]>();
  const chunks = new Map<number, Buffer[]>();
  const add = <T>(to: Map<number, T[]>, field: number, value: T): void => void to.set(field, [...(to.get(field) ?? []), value]);
  let at = 0;
  const varint = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(message[at++] ?? assert.fail('the message ends within a number'));
      value |= (byte & 127n) << shift;
      if (byte < 128n) return Number(BigInt.asIntN(64, value));
    }
  };
  while (at < message.length) {
    const key = varint();
    const field = key >> 3;
    if ((key & 7) === 0) add(numbers, field, varint());
    else if ((key & 7) === 5) add(numbers, field, message.readFloatLE((at += 4) - 4));
    else if ((key & 7) === 2) {
      const length = varint();
      assert.ok(at + length <= message.length, `field ${field} goes beyond its message`);
      add(chunks, field, message.subarray(at, (at += length)));
    } else assert.fail(`field ${field} has the wire type ${key & 7}`);
  }
  return {
    number: (field) => numbers.get(field)?.[0] ?? assert.fail(`there is no field ${field}`),
    numbers: (field) => numbers.get(field) ?? [],
    texts: (field) => (chunks.get(field) ?? []).map(String),
    bytes: (field) => chunks.get(field) ?? [],
  };
}
