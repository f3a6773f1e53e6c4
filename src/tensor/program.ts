/** A graph at work: its variables, and runs of its functions. */
import { fail } from '../errors.ts';
import { ADAM_INPUTS, adamScalars } from './adamw.ts';
import { nodeBackend, tf, type Tensor } from './backend.ts';
import type { Ref } from './graph.ts';
import type { FunctionLayout, ProgramLayout } from './program-graph.ts';
import type { NamedTensor, NamedTensors } from './safetensors.ts';

export type Values = Readonly<Record<string, Float32Array | Int32Array>>;

/** Learning rates of one call of a training function; `step` counts from 1. */
export interface StepRates {
  readonly step: number;
  readonly learningRate: number;
  readonly headLearningRate: number;
  /** Batches whose gradients this step takes the mean of: the accumulated ones and this one. Default 1. */
  readonly batches?: number;
}

export class Program {
  readonly #session: number;
  readonly #layout: ProgramLayout;
  #isDisposed = false;
  #isFrozen = false;

  /** @param session of tfjs-node, which this owns from now on */
  constructor(session: number, layout: ProgramLayout) {
    this.#session = session;
    this.#layout = layout;
    if (layout.zeroed !== null) this.#run([], [layout.zeroed]);
  }

  /** Names of the variables, optimizer slots included. */
  get state(): string[] {
    return Object.keys(this.#layout.state);
  }

  /** Runs a function; its results as flat float32 arrays. A training function needs `rates` and adds `gradNorm`. */
  call(name: string, inputs: Values, rates?: StepRates): Record<string, Float32Array> {
    const fn = this.#layout.functions[name];
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
    const fn = this.#layout.functions[name];
    if (fn === undefined || fn.accumulated === null) throw fail('PROGRAM_MISUSED', { detail: `${name} accumulates no gradients` });
    return this.#run(feedsOf(name, fn, inputs), [fn.accumulated])[0]?.[0] ?? NaN;
  }

  /** Values of variables, copied out. */
  read(names: readonly string[]): NamedTensors {
    this.#assertNotFrozen();
    const results = this.#run([], names.map((name) => `read/${name}`));
    return Object.fromEntries(names.map((name, index) => [name, { shape: this.#shape(name), data: results[index] as Float32Array }]));
  }

  /** Sets variables; shapes must agree. A part at a time, so that values which are read when asked for are never all in memory beside the variables. */
  assign(values: NamedTensors): void {
    if (Object.keys(values).length === 0) return;
    this.#assertNotFrozen();
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
    if (this.#layout.initialized !== null) this.#run([], [this.#layout.initialized]);
  }

  /** For one that only predicts: frees the weights that it keeps in another form. Nothing can be read or assigned afterwards. */
  freeze(): void {
    if (this.#layout.frozen !== null) this.#run([], [this.#layout.frozen]);
    this.#isFrozen = true;
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    nodeBackend().deleteSavedModel(this.#session);
  }

  #assertNotFrozen(): void {
    if (this.#isFrozen) throw fail('PROGRAM_MISUSED', { detail: 'it is frozen' });
  }

  #shape(name: string): readonly number[] {
    const shape = this.#layout.state[name];
    if (shape === undefined) throw fail('PROGRAM_MISUSED', { detail: `there is no variable ${name}` });
    return shape;
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

function feedsOf(name: string, fn: FunctionLayout, inputs: Values): [Ref, Tensor][] {
  return Object.entries(fn.inputs).map(([key, spec]) => {
    const value = inputs[key];
    if (value === undefined) throw fail('PROGRAM_MISUSED', { detail: `${name} needs the input ${key}` });
    return [`${name}/in/${key}`, toTensor(value, spec.shape, spec.dtype)];
  });
}

function toTensor(data: NamedTensor['data'] | Int32Array, shape: readonly number[], dtype: 'float32' | 'int32'): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  if (data.length !== size) throw fail('SHAPE_MISMATCH', { name: 'values', expected: `${shape.join(' x ')} (${size})`, found: String(data.length) });
  return tf.tensor(data, [...shape], dtype);
}
