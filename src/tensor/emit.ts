/** Turns a recording into nodes of a graph: the ops that lead to the wanted tensors, with what they read bound or constant. */
import { fail } from '../errors.ts';
import { nativeProduct, type TensorInfo } from './backend.ts';
import { blockEndingWith, type Block } from './blocks.ts';
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

/**
 * Ops that work on bfloat16: which inputs and outputs have their type T. Products always do; the others (native/) where the last of these
 * inputs is there as bfloat16 already. `twin`: an output that is another one as T.
 */
const HALF_FORMS: Readonly<Record<string, { inputs: readonly number[]; outputs: readonly number[]; isProduct?: true; twin?: { of: number; at: number } }>> = {
  MatMul: { inputs: [0, 1], outputs: [0], isProduct: true },
  BatchMatMulV2: { inputs: [0, 1], outputs: [0], isProduct: true },
  MtmtLayerNorm: { inputs: [0], outputs: [], twin: { of: 0, at: 1 } },
  MtmtLayerNormGrad: { inputs: [2], outputs: [0] },
  MtmtBiasGelu: { inputs: [0], outputs: [0] },
  MtmtBiasGeluGrad: { inputs: [0, 1], outputs: [0] },
  MtmtAttention: { inputs: [0], outputs: [0] },
  MtmtAttentionGrad: { inputs: [0, 1], outputs: [0] },
};
/** Takes the gradient in two parts, so that their sum need not be made. */
const NORM_GRADIENT = 'MtmtLayerNormGrad';
const BLOCK = 'MtmtBlock';

export interface EmitOptions {
  readonly graph: GraphBuilder;
  /** Prefix of node names. */
  readonly scope: string;
  /** bfloat16: matrix products, and what lies between two of them; sums, norms, weights and the optimizer stay float32. */
  readonly precision: Precision;
  /** Tensor ids that are inputs or variables of the graph. */
  readonly bound: ReadonlyMap<number, Ref>;
  /** What `bound` names. */
  readonly given: readonly TensorInfo[];
  /** Names of those of `bound` that are variables which never change: what products need of them is made once and kept as bfloat16. */
  readonly fixed: ReadonlyMap<number, string>;
}

/** A tensor in the graph. */
export interface Emitted {
  readonly ref: Ref;
  readonly isHalf: boolean;
}

/**
 * @param outputs, gradients tensor ids; outputs are float32, gradients as they come
 * @throws STEP_NOT_RECORDABLE naming the op whose input is neither recorded, bound nor a small constant
 */
export function emit(recording: Recording<unknown>, { outputs, gradients }: { outputs: readonly number[]; gradients: readonly number[] }, options: EmitOptions): { outputs: Ref[]; gradients: Emitted[] } {
  const emitter = new Emitter(recording, options);
  const needed = emitter.neededFor([...outputs, ...gradients]);
  recording.ops.forEach((op, index) => {
    if (needed.has(index)) emitter.node(op);
  });
  return { outputs: outputs.map((id) => emitter.ref(id, 'the result')), gradients: gradients.map((id) => emitter.asItIs(id)) };
}

class Emitter {
  readonly #recording: Recording<unknown>;
  readonly #options: EmitOptions;
  readonly #refs: Map<number, Ref>;
  readonly #producers = new Map<number, { index: number; dtype: number }>();
  /** The bfloat16 form of tensors, which may be their only one. */
  readonly #halves = new Map<number, Ref>();
  /** Sums that are never made: by the id of their result, what is added. */
  readonly #sums = new Map<number, readonly [number, number]>();
  /** Blocks that one kernel computes, by the last of their ops. */
  readonly #blocks = new Map<RecordedOp, Block>();
  readonly #shapes: ReadonlyMap<number, readonly number[]>;

  constructor(recording: Recording<unknown>, options: EmitOptions) {
    this.#recording = recording;
    this.#options = options;
    this.#refs = new Map(options.bound);
    this.#shapes = new Map([...options.given, ...recording.ops.flatMap((op) => op.outputs)].map(({ id, shape }) => [id, shape]));
    recording.ops.forEach((op, index) => op.outputs.forEach(({ id, dtype }) => this.#producers.set(id, { index, dtype })));
  }

  neededFor(wanted: readonly number[]): Set<number> {
    const needed = new Set<number>();
    const uses = new Map<number, number>();
    const stack = [...wanted];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      uses.set(id, (uses.get(id) ?? 0) + 1);
      const producer = this.#refs.has(id) ? undefined : this.#producers.get(id);
      if (producer === undefined || needed.has(producer.index)) continue;
      needed.add(producer.index);
      stack.push(...(this.#recording.ops[producer.index] as RecordedOp).inputs);
    }
    for (const index of [...needed]) this.#dissolveSum(this.#recording.ops[index] as RecordedOp, uses, needed);
    if (this.#options.precision === 'bfloat16' && nativeProduct() !== '') this.#findBlocks(uses, needed);
    return needed;
  }

  /** The sum of two gradients that only a norm's gradient reads. */
  #dissolveSum({ op, inputs }: RecordedOp, uses: ReadonlyMap<number, number>, needed: Set<number>): void {
    const id = inputs[0] as number;
    const producer = op === NORM_GRADIENT && uses.get(id) === 1 ? this.#producers.get(id) : undefined;
    const sum = producer && this.#recording.ops[producer.index];
    if (producer === undefined || sum?.op !== 'AddV2') return;
    const [left, right] = sum.inputs as [number, number];
    const shape = sum.outputs[0]?.shape.join();
    if ([left, right].some((each) => this.#producerOf(each)?.shape.join() !== shape)) return; // one of them is broadcast
    this.#sums.set(id, [left, right]);
    needed.delete(producer.index);
  }

  #findBlocks(uses: ReadonlyMap<number, number>, needed: Set<number>): void {
    const readings = { producerOf: (id: number) => this.#opOf(id), usesOf: (id: number) => uses.get(id) ?? 0 };
    for (const index of [...needed]) {
      const last = this.#recording.ops[index] as RecordedOp;
      const block = blockEndingWith(last, readings);
      if (block === undefined) continue;
      this.#blocks.set(last, block);
      for (const { outputs } of block.inner) needed.delete(this.#producers.get(outputs[0]?.id as number)?.index as number);
    }
  }

  /** What gives it; nothing where it is an input or a variable. */
  #opOf(id: number): RecordedOp | undefined {
    const producer = this.#producers.get(id);
    return producer && this.#recording.ops[producer.index];
  }

  #producerOf(id: number): { readonly shape: readonly number[] } | undefined {
    return this.#opOf(id)?.outputs.find((output) => output.id === id);
  }

  asItIs(id: number): Emitted {
    const half = this.#refs.has(id) ? undefined : this.#halves.get(id);
    return half === undefined ? { ref: this.ref(id, 'the result'), isHalf: false } : { ref: half, isHalf: true };
  }

  /** As float32. */
  ref(id: number, reader: string): Ref {
    const known = this.#refs.get(id);
    if (known !== undefined) return known;
    const half = this.#halves.get(id);
    if (half !== undefined) {
      const full = this.#cast(half, DataType.bfloat16, DataType.float32);
      this.#refs.set(id, full);
      return full;
    }
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
    const { graph, scope } = this.#options;
    const value = graph.constant(dtype, [], typedValues({ ...constant, values: [values[0] as number] }));
    return graph.filled(dtype, shape, value, `${scope}/Fill`);
  }

  node(recorded: RecordedOp): void {
    const output = recorded.outputs[0];
    if (output === undefined) return;
    const block = this.#blocks.get(recorded);
    if (block !== undefined) return this.#block(block, output.id);
    const attrs = this.#attributes(recorded);
    if (recorded.op === 'Cast' && sameType(attrs['SrcT'], attrs['DstT'])) {
      this.#refs.set(output.id, this.ref(recorded.inputs[0] as number, recorded.op)); // tfjs casts what needs none
      return;
    }
    const form = HALF_FORMS[recorded.op];
    const isHalf = form !== undefined && output.dtype === DataType.float32 && this.#isHalf(recorded, form);
    const inputs = recorded.inputs.map((id, index) => (this.#sums.has(id) ? '' : isHalf && form.inputs.includes(index) ? this.#half(id, recorded.op) : this.ref(id, recorded.op)));
    const sum = this.#sums.get(recorded.inputs[0] as number);
    if (sum !== undefined) Object.assign(attrs, this.#partsOf(sum, inputs));
    if (isHalf) attrs['T'] = { type: DataType.bfloat16 };
    const [op, opAttrs] = output.shape.length === 2 ? this.#product(recorded.op, attrs, isHalf) : ([recorded.op, attrs] as const);
    const ref = this.#add(op, inputs, opAttrs);
    const refOf = (index: number): Ref => (index === 0 ? ref : `${ref}:${index}`);
    recorded.outputs.forEach(({ id }, index) => (isHalf && form.outputs.includes(index) ? this.#halves : this.#refs).set(id, refOf(index)));
    if (isHalf && form.twin !== undefined) this.#halves.set((recorded.outputs[form.twin.of] as { id: number }).id, refOf(form.twin.at));
    const kept = output.shape.length === 1 ? this.#kept(output.id, recorded.op, DataType.float32) : undefined; // biases side by side; a matrix is kept as a half
    if (kept !== undefined) this.#refs.set(output.id, kept);
  }

  #block({ x, matrices, vectors, segments, heads, epsilon }: Block, result: number): void {
    const halves = [x, ...matrices].map((id) => this.#half(id, BLOCK)) as [Ref, ...Ref[]];
    const inputs = [halves[0], this.ref(x, BLOCK), ...halves.slice(1), this.#joined(vectors), this.ref(segments, BLOCK)];
    const ref = this.#add(BLOCK, inputs, { heads: { i: heads.value as number }, epsilon: { f: epsilon.value as number } });
    this.#refs.set(result, ref);
    this.#halves.set(result, `${ref}:1`);
  }

  /** Vectors one behind the other: kept so where none of them changes. */
  #joined(vectors: readonly number[]): Ref {
    const { graph, scope } = this.#options;
    const attrs = { N: { i: vectors.length }, T: { type: DataType.float32 }, Tidx: { type: DataType.int32 } };
    const axis = graph.constant(DataType.int32, [], Int32Array.of(0));
    const joined = (): Ref => graph.add('ConcatV2', [...vectors.map((id) => this.ref(id, BLOCK)), axis], attrs, `${scope}/vectors`);
    const names = vectors.map((id) => this.#nameOfFixed(id));
    if (names.includes(undefined)) return joined();
    const size = vectors.reduce((sum, id) => sum + (this.#shapes.get(id)?.[0] ?? 0), 0);
    return this.#keep(names.join('..'), [size], DataType.float32, joined);
  }

  /** MatMul is BatchMatMulV2 of two matrices, with a faster kernel of oneDNN; ours is the fastest. */
  #product(op: string, attrs: Record<string, AttrValue>, isHalf: boolean): readonly [string, Record<string, AttrValue>] {
    if (op !== 'MatMul' && op !== 'BatchMatMulV2') return [op, attrs];
    const { adj_x: a = attrs['transpose_a'], adj_y: b = attrs['transpose_b'], T } = attrs;
    const transposes = { ...(a && { transpose_a: a }), ...(b && { transpose_b: b }) };
    return isHalf && nativeProduct() !== '' ? ['MtmtProduct', transposes] : ['MatMul', { ...transposes, ...(T && { T }) }];
  }

  #isHalf({ inputs }: RecordedOp, form: { inputs: readonly number[]; isProduct?: true }): boolean {
    if (this.#options.precision !== 'bfloat16') return false;
    return form.isProduct === true || this.#halves.has(inputs[form.inputs.at(-1) as number] as number);
  }

  /** Puts both parts of a gradient into `inputs`; the second one may be a half. */
  #partsOf([left, right]: readonly [number, number], inputs: Ref[]): Record<string, AttrValue> {
    const isOnlyHalf = (id: number): boolean => this.asItIs(id).isHalf;
    const [first, second] = isOnlyHalf(left) && !isOnlyHalf(right) ? [right, left] : [left, right];
    const half = this.asItIs(second);
    inputs[0] = this.ref(first, NORM_GRADIENT);
    inputs[1] = half.ref;
    return { D: { type: half.isHalf ? DataType.bfloat16 : DataType.float32 } };
  }

  #add(op: string, inputs: readonly Ref[], attrs: Record<string, AttrValue>): Ref {
    return this.#options.graph.add(op, inputs, attrs, `${this.#options.scope}/${op}`);
  }

  #half(id: number, reader: string): Ref {
    const known = this.#halves.get(id);
    if (known !== undefined) return known;
    const half = this.#kept(id, reader, DataType.bfloat16) ?? this.#cast(this.ref(id, reader), DataType.float32, DataType.bfloat16);
    this.#halves.set(id, half);
    return half;
  }

  /** What depends on nothing but fixed variables: a variable of its own, set when the program starts. All functions share it. */
  #kept(id: number, reader: string, dtype: number): Ref | undefined {
    const made = this.#nameOfFixed(id);
    const shape = this.#shapes.get(id);
    if (made === undefined || shape === undefined) return undefined;
    return this.#keep(made, shape, dtype, () => (dtype === DataType.float32 ? this.ref(id, reader) : this.#cast(this.ref(id, reader), DataType.float32, dtype)));
  }

  #keep(made: string, shape: readonly number[], dtype: number, value: () => Ref): Ref {
    const name = `${dtype === DataType.bfloat16 ? 'half' : 'full'}/${made}/${shape.join('x')}`; // the shape tells along which axis parts were joined
    const { graph, scope } = this.#options;
    const isNew = !graph.has(name);
    const variable = graph.variable(name, shape, dtype);
    if (isNew) graph.initializers.push(graph.assign(variable, value(), `${scope}/keep`));
    return graph.read(variable, `${scope}/kept`);
  }

  /** What a tensor is made of, if that is fixed variables alone. */
  #nameOfFixed(id: number): string | undefined {
    const variable = this.#options.fixed.get(id);
    if (variable !== undefined) return variable;
    const made = this.#opOf(id);
    if (made?.op !== 'ConcatV2') return undefined;
    const parts = made.inputs.slice(0, -1).map((input) => this.#options.fixed.get(input));
    return parts.includes(undefined) ? undefined : parts.join('..');
  }

  #cast(ref: Ref, from: number, to: number): Ref {
    return this.#options.graph.cast(ref, from, to, `${this.#options.scope}/Cast`);
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
    return this.#producers.get(id)?.dtype ?? this.#recording.constants.get(id)?.dtype ?? this.#options.given.find((info) => info.id === id)?.dtype ?? DataType.float32;
  }
}

function sameType(a: AttrValue | undefined, b: AttrValue | undefined): boolean {
  return a !== undefined && b !== undefined && 'type' in a && 'type' in b && a.type === b.type;
}

function typedValues({ dtype, values }: RecordedConstant): Float32Array | Int32Array | Uint8Array {
  if (dtype === DataType.float32) return Float32Array.from(values);
  if (dtype === DataType.bool) return Uint8Array.from(values);
  return Int32Array.from(values);
}
