/** Turns a recording into nodes of a graph: the ops that lead to the wanted tensors, with what they read bound or constant. */
import { fail } from '../errors.ts';
import type { GraphBuilder, Ref } from './graph.ts';
import { DataType, type AttrValue } from './proto.ts';
import type { RecordedConstant, RecordedOp, Recording } from './record.ts';

export type Precision = 'float32' | 'bfloat16';

/** TF_AttrType of the addon -> field of an AttrValue. */
const ATTR_FIELDS = ['s', 'i', 'f', 'b', 'type', 'shape'] as const;
/** Type attributes that tfjs leaves to eager execution to infer: op -> attribute -> index of the input with that type. */
const INFERRED_TYPES: Record<string, Record<string, number>> = {
  ExpandDims: { T: 0, Tdim: 1 },
  BiasAdd: { T: 0 },
  Pack: { T: 0 },
  Select: { T: 1 },
  OneHot: { T: 2, TI: 0 },
};
/** A bigger constant was made in JavaScript from data, which would be frozen into the graph: an error of the recorded function. */
const MAX_CONSTANT = 4096;
const PRODUCTS = new Set(['MatMul', 'BatchMatMulV2']);

export interface EmitOptions {
  readonly graph: GraphBuilder;
  /** Prefix of node names. */
  readonly scope: string;
  /** bfloat16: casts around matrix products; everything else stays float32. */
  readonly precision: Precision;
  /** Tensor ids that are inputs or variables of the graph. */
  readonly bound: ReadonlyMap<number, Ref>;
  readonly dtypes: ReadonlyMap<number, number>;
}

/**
 * @param wanted tensor ids
 * @returns the refs of `wanted`, in order
 * @throws STEP_NOT_RECORDABLE naming the op whose input is neither recorded, bound nor a small constant
 */
export function emit(recording: Recording<unknown>, wanted: readonly number[], options: EmitOptions): Ref[] {
  const emitter = new Emitter(recording, options);
  const needed = emitter.neededFor(wanted);
  recording.ops.forEach((op, index) => {
    if (needed.has(index)) emitter.node(op);
  });
  return wanted.map((id) => emitter.ref(id, 'the result'));
}

class Emitter {
  readonly #recording: Recording<unknown>;
  readonly #options: EmitOptions;
  readonly #refs: Map<number, Ref>;
  readonly #producers = new Map<number, { index: number; dtype: number }>();
  readonly #casts = new Map<Ref, Ref>();

  constructor(recording: Recording<unknown>, options: EmitOptions) {
    this.#recording = recording;
    this.#options = options;
    this.#refs = new Map(options.bound);
    recording.ops.forEach((op, index) => op.outputs.forEach(({ id, dtype }) => this.#producers.set(id, { index, dtype })));
  }

  neededFor(wanted: readonly number[]): Set<number> {
    const needed = new Set<number>();
    const stack = [...wanted];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      const producer = this.#refs.has(id) ? undefined : this.#producers.get(id);
      if (producer === undefined || needed.has(producer.index)) continue;
      needed.add(producer.index);
      stack.push(...(this.#recording.ops[producer.index] as RecordedOp).inputs);
    }
    return needed;
  }

  ref(id: number, reader: string): Ref {
    const known = this.#refs.get(id);
    if (known !== undefined) return known;
    const constant = this.#recording.constants.get(id);
    if (constant === undefined) throw fail('STEP_NOT_RECORDABLE', { op: reader, detail: `reads tensor ${id}, which was neither recorded nor given` });
    const ref = constant.values.length > MAX_CONSTANT ? this.#filled(constant, reader) : this.#options.graph.constant(constant.dtype, constant.shape, typedValues(constant));
    this.#refs.set(id, ref);
    return ref;
  }

  /** tfjs makes ones and zeros in JavaScript (the gradient of a sum); one value and a shape say the same. */
  #filled(constant: RecordedConstant, reader: string): Ref {
    const { dtype, shape, values } = constant;
    for (let i = 1; i < values.length; i++) {
      if (values[i] !== values[0]) throw fail('STEP_NOT_RECORDABLE', { op: reader, detail: `reads ${values.length} values made in JavaScript; pass them as an input` });
    }
    const { graph } = this.#options;
    const dims = graph.constant(DataType.int32, [shape.length], Int32Array.from(shape));
    const value = graph.constant(dtype, [], typedValues({ ...constant, values: [values[0] as number] }));
    return graph.add('Fill', [dims, value], { T: { type: dtype }, index_type: { type: DataType.int32 } }, `${this.#options.scope}/Fill`);
  }

  node(recorded: RecordedOp): void {
    const output = recorded.outputs[0];
    if (output === undefined) return;
    const attrs = this.#attributes(recorded);
    const inputs = recorded.inputs.map((id) => this.ref(id, recorded.op));
    if (recorded.op === 'Cast' && sameType(attrs['SrcT'], attrs['DstT'])) {
      this.#refs.set(output.id, inputs[0] as Ref); // tfjs casts what needs none
      return;
    }
    const isProduct = PRODUCTS.has(recorded.op) && output.dtype === DataType.float32;
    const [op, opAttrs] = recorded.op === 'BatchMatMulV2' && output.shape.length === 2 ? ['MatMul', plainProduct(attrs)] as const : [recorded.op, attrs] as const;
    const ref = isProduct && this.#options.precision === 'bfloat16' ? this.#halfProduct(op, inputs, opAttrs) : this.#add(op, inputs, opAttrs);
    recorded.outputs.forEach(({ id }, index) => this.#refs.set(id, index === 0 ? ref : `${ref}:${index}`));
  }

  #add(op: string, inputs: readonly Ref[], attrs: Record<string, AttrValue>): Ref {
    return this.#options.graph.add(op, inputs, attrs, `${this.#options.scope}/${op}`);
  }

  #halfProduct(op: string, inputs: readonly Ref[], attrs: Record<string, AttrValue>): Ref {
    const half = this.#add(op, inputs.map((input) => this.#toHalf(input)), { ...attrs, T: { type: DataType.bfloat16 } });
    const full = this.#cast(half, DataType.bfloat16, DataType.float32);
    this.#casts.set(full, half); // a product of this product needs no cast back and forth
    return full;
  }

  #toHalf(ref: Ref): Ref {
    const known = this.#casts.get(ref);
    if (known !== undefined) return known;
    const half = this.#cast(ref, DataType.float32, DataType.bfloat16);
    this.#casts.set(ref, half);
    return half;
  }

  #cast(ref: Ref, from: number, to: number): Ref {
    return this.#add('Cast', [ref], { SrcT: { type: from }, DstT: { type: to }, Truncate: { b: false } });
  }

  #attributes(recorded: RecordedOp): Record<string, AttrValue> {
    const attrs: Record<string, AttrValue> = {};
    for (const { name, type, value } of recorded.attrs) {
      const field = ATTR_FIELDS[type];
      if (field === undefined) throw fail('STEP_NOT_RECORDABLE', { op: recorded.op, detail: `has attribute ${name} of type ${type}` });
      attrs[name] = Array.isArray(value) && field !== 'shape' ? { ints: value as number[] } : ({ [field]: value } as unknown as AttrValue);
    }
    for (const [name, index] of Object.entries(INFERRED_TYPES[recorded.op] ?? {})) attrs[name] ??= { type: this.#dtype(recorded.inputs[index] as number) };
    return attrs;
  }

  #dtype(id: number): number {
    return this.#producers.get(id)?.dtype ?? this.#recording.constants.get(id)?.dtype ?? this.#options.dtypes.get(id) ?? DataType.float32;
  }
}

/** MatMul is BatchMatMulV2 of two matrices, with oneDNN's faster kernel; its attributes have other names. */
function plainProduct({ adj_x, adj_y, ...rest }: Record<string, AttrValue>): Record<string, AttrValue> {
  return { ...rest, ...(adj_x && { transpose_a: adj_x }), ...(adj_y && { transpose_b: adj_y }) };
}

function sameType(a: AttrValue | undefined, b: AttrValue | undefined): boolean {
  return a !== undefined && b !== undefined && 'type' in a && 'type' in b && a.type === b.type;
}

function typedValues({ dtype, values }: RecordedConstant): Float32Array | Int32Array | Uint8Array {
  if (dtype === DataType.float32) return Float32Array.from(values);
  if (dtype === DataType.bool) return Uint8Array.from(values);
  return Int32Array.from(values);
}
