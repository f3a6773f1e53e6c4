/** What a program is compiled from. */
import type { AdamWOptions } from './adamw.ts';
import type { Tensor } from './backend.ts';
import type { Precision } from './emit.ts';
import type { NamedTensors } from './safetensors.ts';

export type Tensors = Readonly<Record<string, Tensor>>;

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
  /** Where the graph is kept for other processes; absent: nowhere. */
  readonly cache?: GraphCache;
}

export interface GraphCache {
  /** Graphs are kept in its folder `graphs`. */
  readonly directory: string;
  /** Everything that the functions depend on and this specification does not say: the model's configuration, options. */
  readonly identity: unknown;
}
