/**
 * Compiles functions of tensors to one TensorFlow graph with the weights in its variables. A call is one run of the graph, instead of
 * thousands of calls from JavaScript; a training function also clips gradients and steps AdamW inside of it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '../errors.ts';
import { ADAM_INPUTS, adamScalars, addAccumulation, addAdamW, slotNames, type AdamInputs, type AdamWOptions } from './adamw.ts';
import { hasNativeKernels, nodeBackend, tf, type Tensor, type TensorInfo } from './backend.ts';
import { emit, type Emitted, type Precision } from './emit.ts';
import { GraphBuilder, type GraphVariable, type Ref } from './graph.ts';
import { DataType } from './proto.ts';
import { record, symbol } from './record.ts';
import type { NamedTensor, NamedTensors } from './safetensors.ts';

export type Tensors = Readonly<Record<string, Tensor>>;
export type Values = Readonly<Record<string, Float32Array | Int32Array>>;

export interface InputSpec {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
}

export interface FunctionSpec {
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** Pure: depends on its arguments only, always runs the same ops. Its results are named float32 tensors. */
  readonly run: (variables: Tensors, inputs: Tensors) => Record<string, Tensor>;
}

/** A function whose result `loss` (a scalar) is minimized over the trained variables at every call. */
export interface TrainingSpec extends FunctionSpec {
  readonly optimizer: AdamWOptions;
  /** Whether a step may take the gradients of several batches: `accumulate` for all but the last. */
  readonly accumulates?: boolean;
}

export interface ProgramSpec {
  readonly variables: NamedTensors;
  /** Names of the variables that training changes. */
  readonly trained?: ReadonlySet<string>;
  readonly functions: Readonly<Record<string, FunctionSpec | TrainingSpec>>;
  readonly precision: Precision;
}

/** Learning rates of one call of a training function; `step` counts from 1. */
export interface StepRates {
  readonly step: number;
  readonly learningRate: number;
  readonly headLearningRate: number;
  /** Batches whose gradients this step takes the mean of: the accumulated ones and this one. Default 1. */
  readonly batches?: number;
}

interface CompiledFunction {
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly outputs: readonly { readonly name: string; readonly ref: Ref }[];
  readonly isTraining: boolean;
  /** Adds this batch's gradients and gives `loss`. */
  readonly accumulated: Ref | null;
}

/** Builds, loads and fills the graph. Every shape of the inputs is fixed. */
export function compile(spec: ProgramSpec): Program {
  const graph = new GraphBuilder();
  const trained = spec.trained ?? new Set<string>();
  const variables = new Map(Object.entries(spec.variables).map(([name, { shape }]) => [name, graph.variable(name, shape)]));
  const functions = new Map<string, CompiledFunction>();
  for (const [name, fn] of Object.entries(spec.functions)) functions.set(name, build({ name, fn, graph, variables, trained, precision: spec.precision, areFixed: trained.size === 0 }));
  const state = new Map(variables);
  const isTraining = [...functions.values()].some((fn) => fn.isTraining);
  const accumulates = [...functions.values()].some((fn) => fn.accumulated !== null);
  for (const name of isTraining ? trained : []) {
    const { shape } = variables.get(name) as GraphVariable;
    for (const slot of slotNames(name, accumulates)) state.set(slot, graph.variable(slot, shape));
  }
  for (const [name, variable] of state) {
    const value = graph.input(`assign/${name}`, DataType.float32, variable.shape);
    graph.add('Identity', [graph.scalar(1), `^${graph.assign(variable, value, `assigning/${name}`)}`], { T: { type: DataType.float32 } }, `assigned/${name}`);
    graph.read(variable, `read/${name}`);
  }
  const initialized = graph.initializers.length === 0 ? null : graph.add('Identity', [graph.scalar(1), ...graph.initializers.map((ref) => `^${ref}`)], { T: { type: DataType.float32 } }, 'initialized');
  const program = new Program(load(graph), { functions, state, initialized });
  program.assign(spec.variables);
  const slots = [...state].filter(([name]) => !variables.has(name));
  program.assign(Object.fromEntries(slots.map(([name, { shape }]) => [name, zeros(shape)])));
  return program;
}

export class Program {
  readonly #session: number;
  readonly #functions: ReadonlyMap<string, CompiledFunction>;
  readonly #state: ReadonlyMap<string, GraphVariable>;
  /** Makes anew what is kept of variables in another form. */
  readonly #initialized: Ref | null;
  #isDisposed = false;

  constructor(session: number, { functions, state, initialized }: { functions: ReadonlyMap<string, CompiledFunction>; state: ReadonlyMap<string, GraphVariable>; initialized: Ref | null }) {
    this.#session = session;
    this.#functions = functions;
    this.#state = state;
    this.#initialized = initialized;
  }

  /** Names of the variables, optimizer slots included. */
  get state(): string[] {
    return [...this.#state.keys()];
  }

  /** Runs a function; its results as flat float32 arrays. A training function needs `rates` and adds `gradNorm`. */
  call(name: string, inputs: Values, rates?: StepRates): Record<string, Float32Array> {
    const fn = this.#functions.get(name);
    if (fn === undefined) throw fail('PROGRAM_MISUSED', { detail: `there is no function ${name}` });
    if (fn.isTraining !== (rates !== undefined)) throw fail('PROGRAM_MISUSED', { detail: `${name} ${fn.isTraining ? 'needs' : 'takes no'} learning rates` });
    const feeds = feedsOf(name, fn, inputs);
    if (rates !== undefined) {
      const scalars = { ...adamScalars(rates.step), learningRate: rates.learningRate, headLearningRate: rates.headLearningRate };
      for (const key of ADAM_INPUTS) feeds.push([`${name}/adam/${key}`, tf.scalar(scalars[key], 'float32')]);
      if (fn.accumulated !== null) feeds.push([`${name}/share`, tf.scalar(1 / (rates.batches ?? 1), 'float32')]);
    }
    const results = this.#run(feeds, fn.outputs.map(({ ref }) => ref));
    return Object.fromEntries(fn.outputs.map((output, index) => [output.name, results[index] as Float32Array]));
  }

  /** Adds the gradients of a batch to those of the step to come. @returns its loss */
  accumulate(name: string, inputs: Values): number {
    const fn = this.#functions.get(name);
    if (fn === undefined || fn.accumulated === null) throw fail('PROGRAM_MISUSED', { detail: `${name} accumulates no gradients` });
    return this.#run(feedsOf(name, fn, inputs), [fn.accumulated])[0]?.[0] ?? NaN;
  }

  /** Values of variables, copied out. */
  read(names: readonly string[]): NamedTensors {
    const results = this.#run([], names.map((name) => `read/${name}`));
    return Object.fromEntries(names.map((name, index) => [name, { shape: this.#shape(name), data: results[index] as Float32Array }]));
  }

  /** Sets variables; shapes must agree. A part at a time, so that values which are read when asked for are never all in memory beside the variables. */
  assign(values: NamedTensors): void {
    if (Object.keys(values).length === 0) return;
    for (const [name, { shape }] of Object.entries(values)) {
      const expected = this.#shape(name);
      if (expected.join() !== shape.join()) throw fail('SHAPE_MISMATCH', { name, expected: expected.join(' x '), found: shape.join(' x ') });
    }
    for (const names of inParts(values)) {
      const feeds = names.map((name): [Ref, Tensor] => {
        const { data, shape } = values[name] as NamedTensor;
        return [`assign/${name}`, toTensor(data, shape, 'float32')];
      });
      this.#run(feeds, names.map((name) => `assigned/${name}`));
    }
    if (this.#initialized !== null) this.#run([], [this.#initialized]);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    nodeBackend().deleteSavedModel(this.#session);
  }

  #shape(name: string): readonly number[] {
    const variable = this.#state.get(name);
    if (variable === undefined) throw fail('PROGRAM_MISUSED', { detail: `there is no variable ${name}` });
    return variable.shape;
  }

  /** Owns and disposes the fed tensors. */
  #run(feeds: readonly [Ref, Tensor][], fetches: readonly Ref[]): Float32Array[] {
    const outputs: Tensor[] = [];
    try {
      const names = feeds.map(([ref]) => ({ name: `${ref}:0` }));
      const refs = fetches.map((ref) => (ref.includes(':') ? ref : `${ref}:0`));
      outputs.push(...nodeBackend().runSavedModel(this.#session, feeds.map(([, tensor]) => tensor), names, refs));
      return outputs.map((tensor) => tensor.dataSync() as Float32Array);
    } finally {
      tf.dispose(outputs);
      tf.dispose(feeds.map(([, tensor]) => tensor));
    }
  }
}

function zeros(shape: readonly number[]): NamedTensor {
  return {
    shape,
    get data() {
      return new Float32Array(shape.reduce((a, b) => a * b, 1));
    },
  };
}

/** Every part costs TensorFlow a look through the whole graph, the first time. */
const PART_BYTES = 1 << 24;

function inParts(values: NamedTensors): string[][] {
  const parts: string[][] = [];
  let bytes = Infinity;
  for (const [name, { shape }] of Object.entries(values)) {
    const own = 4 * shape.reduce((a, b) => a * b, 1);
    if (bytes + own > PART_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(name);
    bytes += own;
  }
  return parts;
}

function feedsOf(name: string, fn: CompiledFunction, inputs: Values): [Ref, Tensor][] {
  return Object.entries(fn.inputs).map(([key, spec]) => {
    const value = inputs[key];
    if (value === undefined) throw fail('PROGRAM_MISUSED', { detail: `${name} needs the input ${key}` });
    return [`${name}/in/${key}`, toTensor(value, spec.shape, spec.dtype)];
  });
}

function build({ name, fn, graph, variables, trained, precision, areFixed }: {
  name: string;
  fn: FunctionSpec | TrainingSpec;
  graph: GraphBuilder;
  variables: ReadonlyMap<string, GraphVariable>;
  trained: ReadonlySet<string>;
  precision: Precision;
  /** Whether no function changes a variable. */
  areFixed: boolean;
}): CompiledFunction {
  const bound = new Map<number, Ref>();
  const infos: TensorInfo[] = [];
  const examples: Tensor[] = [];
  const named = (entries: Iterable<readonly [string, readonly number[], number, Ref]>): Tensors =>
    Object.fromEntries([...entries].map(([key, shape, dtype, ref]) => {
      const { tensor, info } = symbol(shape, dtype);
      examples.push(tensor);
      infos.push(info);
      bound.set(info.id, ref);
      return [key, tensor];
    }));
  try {
    const weights = named([...variables].map(([key, variable]) => [key, variable.shape, DataType.float32, graph.read(variable, `${name}/variable/${key}`)]));
    const inputs = named(Object.entries(fn.inputs).map(([key, { shape, dtype }]) => [key, shape, DataType[dtype], graph.input(`${name}/in/${key}`, DataType[dtype], shape)]));
    const names = 'optimizer' in fn ? [...variables.keys()].filter((key) => trained.has(key)) : [];
    const recording = record(() => tf.tidy(() => ('optimizer' in fn ? runWithGradients(fn, weights, inputs, names) : { outputs: idsOf(fn.run(weights, inputs)), gradients: [] })), infos);
    const fixed = new Map(areFixed ? Object.entries(weights).map(([key, tensor]) => [idOf(tensor), key]) : []);
    const { outputs, gradients } = recording.result;
    const emitted = emit(recording, { outputs: outputs.map(({ id }) => id), gradients }, { graph, scope: name, precision, bound, given: infos, fixed });
    const results = outputs.map((output, index) => ({ name: output.name, ref: emitted.outputs[index] as Ref }));
    if (!('optimizer' in fn)) return { inputs: fn.inputs, outputs: results, isTraining: false, accumulated: null };
    const adam = Object.fromEntries(ADAM_INPUTS.map((key) => [key, graph.input(`${name}/adam/${key}`, DataType.float32, [])])) as AdamInputs;
    const single = new Map(names.map((key, index) => [key, emitted.gradients[index] as Emitted]));
    const share = fn.accumulates === true ? graph.input(`${name}/share`, DataType.float32, []) : null;
    const accumulation = share === null ? null : addAccumulation(graph, { variables, gradients: single, scope: `${name}/accumulation`, share });
    const { gradNorm, updates } = addAdamW(graph, { variables, gradients: accumulation?.gradients ?? single, inputs: adam, options: fn.optimizer, scope: `${name}/adamw`, isNative: hasNativeKernels() });
    const after = (ref: Ref, nodes: readonly Ref[], as: string): Ref => graph.add('Identity', [ref, ...nodes.map((node) => `^${node}`)], { T: { type: DataType.float32 } }, `${name}/${as}`);
    const done = after(gradNorm, [...updates, ...(accumulation?.clear(updates) ?? [])], 'stepped');
    const loss = results.find((result) => result.name === 'loss')?.ref ?? gradNorm;
    return {
      inputs: fn.inputs,
      outputs: [...results, { name: 'gradNorm', ref: done }],
      isTraining: true,
      accumulated: accumulation === null ? null : after(loss, accumulation.adds, 'accumulated'),
    };
  } finally {
    tf.dispose(examples);
  }
}

/** Ids are taken before `tidy` disposes what they belong to; the addon never uses an id twice. */
function runWithGradients(fn: FunctionSpec, tensors: Tensors, examples: Tensors, names: readonly string[]): { outputs: { name: string; id: number }[]; gradients: number[] } {
  let outputs: { name: string; id: number }[] = [];
  const { grads } = tf.valueAndGrads((...weights: Tensor[]) => {
    const own = { ...tensors, ...Object.fromEntries(names.map((name, index) => [name, weights[index] as Tensor])) };
    const results = fn.run(own, examples);
    outputs = idsOf(results);
    const { loss } = results;
    if (loss === undefined || loss.rank !== 0) throw fail('PROGRAM_MISUSED', { detail: 'a training function returns a scalar named loss' });
    return loss as ReturnType<typeof tf.scalar>;
  })(names.map((name) => tensors[name] as Tensor));
  return { outputs, gradients: grads.map(idOf) };
}

function idsOf(results: Record<string, Tensor>): { name: string; id: number }[] {
  return Object.entries(results).map(([name, tensor]) => ({ name, id: idOf(tensor) }));
}

function idOf(tensor: Tensor): number {
  return nodeBackend().getInputTensorIds([tensor])[0] as number;
}

function toTensor(data: NamedTensor['data'] | Int32Array, shape: readonly number[], dtype: 'float32' | 'int32'): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  if (data.length !== size) throw fail('SHAPE_MISMATCH', { name: 'values', expected: `${shape.join(' x ')} (${size})`, found: String(data.length) });
  return tf.tensor(data, [...shape], dtype);
}

/** The session keeps the graph; the file is only the way into it. */
function load(graph: GraphBuilder): number {
  const directory = mkdtempSync(join(tmpdir(), 'mtmt-graph-'));
  try {
    writeFileSync(join(directory, 'saved_model.pb'), graph.encode());
    return nodeBackend().loadSavedModelMetaGraph(directory, 'serve');
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
