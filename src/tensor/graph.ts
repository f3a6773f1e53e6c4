/** A TensorFlow graph under construction: nodes, constants, inputs and variables by name. */
import { DataType, encodeSavedModel, type AttrValue, type NodeDef } from './proto.ts';

/** Name of a node's output as other nodes refer to it: "node", "node:1", or "^node" for control. */
export type Ref = string;

export interface GraphVariable {
  readonly handle: Ref;
  readonly shape: readonly number[];
  /** A value of DataType; float32 if absent. */
  readonly dtype?: number;
}

const FLOAT: Record<string, AttrValue> = { T: { type: DataType.float32 } };
const SMALL_CONSTANT = 64;

/** The reference that waits for the node of `ref`. */
export function controlOf(ref: Ref): Ref {
  return `^${nodeOf(ref)}`;
}

function nodeOf(ref: Ref): string {
  return ref.replace(/^\^/, '').replace(/:\d+$/, '');
}

export class GraphBuilder {
  readonly #nodes: NodeDef[] = [];
  readonly #uses = new Map<string, number>();
  readonly #constants = new Map<string, Ref>();
  readonly #variables = new Map<string, GraphVariable>();
  /** Nodes that set variables from others, to be run once. */
  readonly initializers: Ref[] = [];

  get size(): number {
    return this.#nodes.length;
  }

  add(op: string, inputs: readonly Ref[], attrs: Record<string, AttrValue>, name: string): Ref {
    const used = this.#uses.get(name) ?? 0;
    this.#uses.set(name, used + 1);
    const unique = used === 0 ? name : `${name}_${used}`;
    this.#nodes.push({ name: unique, op, inputs, attrs });
    return unique;
  }

  /** An op on float32 only, `T` given. */
  float(op: string, inputs: readonly Ref[], name: string, attrs: Record<string, AttrValue> = {}): Ref {
    return this.add(op, inputs, { ...FLOAT, ...attrs }, name);
  }

  constant(dtype: number, shape: readonly number[], data: Float32Array | Int32Array | Uint8Array): Ref {
    const isSmall = data.length <= SMALL_CONSTANT;
    const key = `${dtype}|${shape.join()}|${isSmall ? data.join() : ''}`;
    const known = isSmall ? this.#constants.get(key) : undefined;
    if (known !== undefined) return known;
    const ref = this.add('Const', [], { dtype: { type: dtype }, value: { tensor: { dtype, shape, data } } }, 'constant');
    if (isSmall) this.#constants.set(key, ref);
    return ref;
  }

  scalar(value: number): Ref {
    return this.constant(DataType.float32, [], new Float32Array([value]));
  }

  /** One value in every place; `value` is a scalar of `dtype`. */
  filled(dtype: number, shape: readonly number[], value: Ref, name: string): Ref {
    const dims = this.constant(DataType.int32, [shape.length], Int32Array.from(shape));
    return this.add('Fill', [dims, value], { T: { type: dtype }, index_type: { type: DataType.int32 } }, name);
  }

  cast(ref: Ref, from: number, to: number, name: string): Ref {
    return this.add('Cast', [ref], { SrcT: { type: from }, DstT: { type: to }, Truncate: { b: false } }, name);
  }

  /** A node to fetch when `nodes` are to have run. */
  after(nodes: readonly Ref[], name: string): Ref {
    return this.float('Identity', [this.scalar(1), ...nodes.map(controlOf)], name);
  }

  input(name: string, dtype: number, shape: readonly number[]): Ref {
    return this.add('Placeholder', [], { dtype: { type: dtype }, shape: { shape } }, name);
  }

  /** The same name gives the same one. */
  variable(name: string, shape: readonly number[], dtype: number = DataType.float32): GraphVariable {
    const known = this.#variables.get(name);
    if (known !== undefined) return known;
    const attrs = { dtype: { type: dtype }, shape: { shape }, shared_name: { s: name }, container: { s: '' } };
    const variable = { handle: this.add('VarHandleOp', [], attrs, `variable/${name}`), shape, dtype };
    this.#variables.set(name, variable);
    return variable;
  }

  has(variable: string): boolean {
    return this.#variables.has(variable);
  }

  read({ handle, dtype = DataType.float32 }: GraphVariable, name: string, after: readonly Ref[] = []): Ref {
    return this.add('ReadVariableOp', [handle, ...after.map(controlOf)], { dtype: { type: dtype } }, name);
  }

  assign({ handle, dtype = DataType.float32 }: GraphVariable, value: Ref, name: string): Ref {
    return this.add('AssignVariableOp', [handle, value], { dtype: { type: dtype } }, name);
  }

  /** Names of all nodes that these depend on, and their own. */
  dependenciesOf(refs: readonly Ref[]): Set<string> {
    const byName = new Map(this.#nodes.map((node) => [node.name, node]));
    const reached = new Set<string>();
    const waiting = refs.map(nodeOf);
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (reached.has(name)) continue;
      reached.add(name);
      waiting.push(...(byName.get(name)?.inputs ?? []).map(nodeOf));
    }
    return reached;
  }

  /** Its memory is free afterwards; to assign it makes it anew. */
  destroy({ handle }: GraphVariable, name: string): Ref {
    return this.add('DestroyResourceOp', [handle], { ignore_lookup_error: { b: true } }, name);
  }

  encode(): Buffer {
    return encodeSavedModel(this.#nodes);
  }
}
