/**
 * The mean of a run's weights over its last part: flatter minima, which carry over to other languages better than the last step's (Schmidt, Vulić
 * and Glavaš 2023, "Free lunch: robust cross-lingual transfer via model checkpoint averaging").
 */
import type { NamedTensor, NamedTensors } from '../tensor/safetensors.ts';

/** Beyond the first: neighbouring steps are much alike, and each copies all weights. */
const SNAPSHOTS = 10;

export interface WeightAverage {
  /** Called after each step. @param step counted from 1 @param trained copies the weights of the moment; asked only where the step is one of the mean's */
  take(step: number, trained: () => NamedTensors): void;
  /** Null where nothing has been averaged. */
  mean(): NamedTensors | null;
  /** For another process to go on from. */
  kept(): KeptAverage;
}

export interface KeptAverage {
  /** Steps that the mean is of. */
  readonly taken: number;
  /** The mean, each name with `mean/` before it. */
  readonly tensors: NamedTensors;
}

const PREFIX = 'mean/';

/** Tells the mean from what lies beside it. */
export function isOfAverage(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** @param share of the steps, the last ones, over which weights are averaged; 0 averages none @param from what a process before kept */
export function openAverage({ steps, share, from }: { steps: number; share: number; from?: KeptAverage | undefined }): WeightAverage {
  const every = Math.max(1, Math.floor((steps * share) / SNAPSHOTS));
  let taken = from?.taken ?? 0;
  let mean: NamedTensors | null = from === undefined || taken === 0 ? null : copied(from.tensors, (name) => name.slice(PREFIX.length));
  return {
    take(step, trained) {
      if (share === 0 || step < steps * (1 - share) || (steps - step) % every !== 0) return;
      taken++;
      const weights = trained();
      if (mean === null) mean = { ...weights };
      else for (const [name, { data }] of Object.entries(mean)) moveTowards(data, (weights[name] as NamedTensor).data, 1 / taken);
    },
    mean: () => mean,
    kept: () => ({ taken, tensors: copied(mean ?? {}, (name) => PREFIX + name) }),
  };
}

/** The mean is changed in place. */
function copied(tensors: NamedTensors, rename: (name: string) => string): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, { shape, data }]) => [rename(name), { shape, data: data.slice() }]));
}

function moveTowards(mean: Float32Array, values: Float32Array, share: number): void {
  for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) + share * ((values[i] as number) - (mean[i] as number));
}
