/** What a run learns, apart from how: its sentences, its loss, and what each batch feeds to it. */
import type { Random } from '../corpora/random.ts';
import type { PackedBatch, Window } from '../encoders/pack.ts';
import type { Dropout } from '../layers/dropout.ts';
import type { RowShape } from '../models/outputs.ts';
import type { Tensor } from '../tensor/backend.ts';
import type { InputSpec, Tensors } from '../tensor/program-spec.ts';
import type { Values } from '../tensor/program.ts';

export interface Task {
  /** Windows that must come together in a batch. */
  readonly units: readonly (readonly Window[])[];
  /** Inputs of the loss beside the encoder's. */
  inputs(shape: RowShape): Record<string, InputSpec>;
  /** @param vectors `[rows * length, hidden]` @returns a scalar */
  loss(weights: Tensors, vectors: Tensor, inputs: Tensors, drop: Dropout): Tensor;
  values(batch: PackedBatch, random: Random): Values;
}

export function input(inputs: Tensors, name: string): Tensor {
  const tensor = inputs[name];
  if (tensor === undefined) throw new TypeError(`the loss needs the input ${name}`);
  return tensor;
}

/** The sum of two tasks on the same sentences: a teacher of both kinds on one encoder. */
export function sumOf(first: Task, second: Task): Task {
  return {
    units: first.units,
    inputs: (shape) => ({ ...first.inputs(shape), ...second.inputs(shape) }),
    loss: (weights, vectors, inputs, drop) => first.loss(weights, vectors, inputs, drop).add(second.loss(weights, vectors, inputs, drop)),
    values: (batch, random) => ({ ...first.values(batch, random), ...second.values(batch, random) }),
  };
}
