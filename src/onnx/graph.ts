/** A graph of ONNX operators while it is put together: each call adds a node and gives the name of its output. */
import type { Attribute, DataType, Node, Port, TensorHead } from './messages.ts';

/** A value that the graph holds itself. */
export interface Constant extends TensorHead {
  readonly bytes: Buffer;
}

export interface Graph {
  readonly nodes: readonly Node[];
  readonly constants: readonly Constant[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

export class GraphBuilder {
  readonly #nodes: Node[] = [];
  readonly #constants = new Map<string, Constant>();

  /** @param name of the output; absent: the operator's, numbered @returns the name of the output */
  add(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}, name?: string): string {
    const output = name ?? `${op}_${this.#nodes.length}`;
    this.#nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }

  /** What makes a tensor uint8 by its smallest and its largest value. @returns names of the numbers, and of their scale and zero point */
  quantize(input: string): { numbers: string; scale: string; zero: string } {
    const prefix = `DynamicQuantizeLinear_${this.#nodes.length}`;
    const names = { numbers: prefix, scale: `${prefix}_scale`, zero: `${prefix}_zero` };
    this.#nodes.push({ op: 'DynamicQuantizeLinear', inputs: [input], outputs: Object.values(names), attributes: {} });
    return names;
  }

  /** A float32 number. */
  number(value: number): string {
    return this.#constant('float32', [], Buffer.from(Float32Array.of(value).buffer), String(value));
  }

  /** An int8 number. */
  byte(value: number): string {
    return this.#constant('int8', [], Buffer.from(Int8Array.of(value).buffer), String(value));
  }

  /** An int64 number. */
  integer(value: number): string {
    return this.#constant('int64', [], int64(value), String(value));
  }

  /** int64 `[values]`: a shape, or axes. */
  integers(...values: readonly number[]): string {
    return this.#constant('int64', [values.length], Buffer.concat(values.map(int64)), `[${values.join(',')}]`);
  }

  finish(ports: { inputs: readonly Port[]; outputs: readonly Port[] }): Graph {
    return { nodes: this.#nodes, constants: [...this.#constants.values()], ...ports };
  }

  #constant(dtype: DataType, shape: readonly number[], bytes: Buffer, text: string): string {
    const name = `${dtype}:${text}`;
    this.#constants.set(name, { name, dtype, shape, bytes });
    return name;
  }
}

function int64(value: number): Buffer {
  return Buffer.from(BigInt64Array.of(BigInt(value)).buffer);
}
