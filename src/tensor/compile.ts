/**
 * Compiles functions of tensors to one TensorFlow graph with the weights in its variables. A call is one run of the graph, instead of
 * thousands of calls from JavaScript; a training function also clips gradients and steps AdamW inside of it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '../errors.ts';
import { ADAM_INPUTS, adamScalars, addAdamW, slotNames, type AdamInputs, type AdamWOptions } from './adamw.ts';
import { nodeBackend, tf, type Tensor } from './backend.ts';
import { emit, type Precision } from './emit.ts';
import { GraphBuilder, type GraphVariable, type Ref } from './graph.ts';
import { DataType } from './proto.ts';
import { record } from './record.ts';
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
}

interface CompiledFunction {
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly outputs: readonly { readonly name: string; readonly ref: Ref }[];
  readonly isTraining: boolean;
}

/** Builds, loads and fills the graph. Every shape of the inputs is fixed. */
export function compile(spec: ProgramSpec): Program {
  const graph = new GraphBuilder();
  const trained = spec.trained ?? new Set<string>();
  const variables = new Map(Object.entries(spec.variables).map(([name, { shape }]) => [name, graph.variable(name, shape)]));
  const tensors = tf.tidy(() => Object.fromEntries(Object.entries(spec.variables).map(([name, t]) => [name, tf.keep(toTensor(t.data, t.shape, 'float32'))])));
  try {
    const functions = new Map<string, CompiledFunction>();
    for (const [name, fn] of Object.entries(spec.functions)) functions.set(name, build({ name, fn, graph, variables, tensors, trained, precision: spec.precision }));
    const state = new Map(variables);
    const isTraining = [...functions.values()].some((fn) => fn.isTraining);
    for (const name of isTraining ? trained : []) {
      const { shape } = variables.get(name) as GraphVariable;
      for (const slot of slotNames(name)) state.set(slot, graph.variable(slot, shape));
    }
    for (const [name, variable] of state) {
      const value = graph.input(`assign/${name}`, DataType.float32, variable.shape);
      graph.add('Identity', [graph.scalar(1), `^${graph.assign(variable, value, `assigning/${name}`)}`], { T: { type: DataType.float32 } }, `assigned/${name}`);
      graph.read(variable, `read/${name}`);
    }
    const program = new Program(load(graph), functions, state);
    program.assignTensors(tensors);
    const slots = [...state].filter(([name]) => !variables.has(name));
    program.assign(Object.fromEntries(slots.map(([name, { shape }]) => [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }])));
    return program;
  } finally {
    tf.dispose(tensors);
  }
}

export class Program {
  readonly #session: number;
  readonly #functions: ReadonlyMap<string, CompiledFunction>;
  readonly #state: ReadonlyMap<string, GraphVariable>;
  #isDisposed = false;

  constructor(session: number, functions: ReadonlyMap<string, CompiledFunction>, state: ReadonlyMap<string, GraphVariable>) {
    this.#session = session;
    this.#functions = functions;
    this.#state = state;
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
    const feeds: [Ref, Tensor][] = Object.entries(fn.inputs).map(([key, spec]) => {
      const value = inputs[key];
      if (value === undefined) throw fail('PROGRAM_MISUSED', { detail: `${name} needs the input ${key}` });
      return [`${name}/in/${key}`, toTensor(value, spec.shape, spec.dtype)];
    });
    if (rates !== undefined) {
      const scalars = { ...adamScalars(rates.step), learningRate: rates.learningRate, headLearningRate: rates.headLearningRate };
      for (const key of ADAM_INPUTS) feeds.push([`${name}/adam/${key}`, tf.scalar(scalars[key], 'float32')]);
    }
    const results = this.#run(feeds, fn.outputs.map(({ ref }) => ref));
    return Object.fromEntries(fn.outputs.map((output, index) => [output.name, results[index] as Float32Array]));
  }

  /** Values of variables, copied out. */
  read(names: readonly string[]): NamedTensors {
    const results = this.#run([], names.map((name) => `read/${name}`));
    return Object.fromEntries(names.map((name, index) => [name, { shape: this.#shape(name), data: results[index] as Float32Array }]));
  }

  /** Sets variables; shapes must agree. */
  assign(values: NamedTensors): void {
    const tensors = Object.fromEntries(Object.entries(values).map(([name, t]) => [name, toTensor(t.data, t.shape, 'float32')]));
    try {
      this.assignTensors(tensors);
    } finally {
      tf.dispose(tensors);
    }
  }

  /** As `assign`, of tensors, which stay the caller's. */
  assignTensors(tensors: Tensors): void {
    const names = Object.keys(tensors);
    if (names.length === 0) return;
    for (const name of names) {
      const expected = this.#shape(name);
      const found = (tensors[name] as Tensor).shape;
      if (expected.join() !== found.join()) throw fail('SHAPE_MISMATCH', { name, expected: expected.join(' x '), found: found.join(' x ') });
    }
    this.#run(names.map((name) => [`assign/${name}`, tf.clone(tensors[name] as Tensor)]), names.map((name) => `assigned/${name}`));
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

function build({ name, fn, graph, variables, tensors, trained, precision }: {
  name: string;
  fn: FunctionSpec | TrainingSpec;
  graph: GraphBuilder;
  variables: ReadonlyMap<string, GraphVariable>;
  tensors: Tensors;
  trained: ReadonlySet<string>;
  precision: Precision;
}): CompiledFunction {
  const bound = new Map<number, Ref>();
  const dtypes = new Map<number, number>();
  const examples = Object.fromEntries(Object.entries(fn.inputs).map(([key, { shape, dtype }]) => [key, tf.zeros([...shape], dtype)]));
  try {
    for (const [key, variable] of variables) bind(tensors[key] as Tensor, graph.read(variable, `${name}/variable/${key}`));
    for (const [key, spec] of Object.entries(fn.inputs)) bind(examples[key] as Tensor, graph.input(`${name}/in/${key}`, DataType[spec.dtype], spec.shape));
    const isTraining = 'optimizer' in fn;
    const names = isTraining ? [...variables.keys()].filter((key) => trained.has(key)) : [];
    const recording = record(() => tf.tidy(() => (isTraining ? runWithGradients(fn, tensors, examples, names) : { outputs: idsOf(fn.run(tensors, examples)), gradients: [] })));
    const { outputs, gradients } = recording.result;
    const wanted = [...outputs.map(({ id }) => id), ...gradients];
    const refs = emit(recording, wanted, { graph, scope: name, precision, bound, dtypes });
    const results = outputs.map((output, index) => ({ name: output.name, ref: refs[index] as Ref }));
    if (!('optimizer' in fn)) return { inputs: fn.inputs, outputs: results, isTraining: false };
    const inputs = Object.fromEntries(ADAM_INPUTS.map((key) => [key, graph.input(`${name}/adam/${key}`, DataType.float32, [])])) as AdamInputs;
    const gradientRefs = new Map(names.map((key, index) => [key, refs[outputs.length + index] as Ref]));
    const { gradNorm, updates } = addAdamW(graph, { variables, gradients: gradientRefs, inputs, options: fn.optimizer, scope: `${name}/adamw` });
    const done = graph.add('Identity', [gradNorm, ...updates.map((ref) => `^${ref}`)], { T: { type: DataType.float32 } }, `${name}/stepped`);
    return { inputs: fn.inputs, outputs: [...results, { name: 'gradNorm', ref: done }], isTraining: true };
  } finally {
    tf.dispose(examples);
  }

  function bind(tensor: Tensor, ref: Ref): void {
    const id = idOf(tensor);
    bound.set(id, ref);
    dtypes.set(id, tensor.dtype === 'int32' ? DataType.int32 : DataType.float32);
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
