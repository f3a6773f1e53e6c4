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
  /** Null where nothing is averaged. */
  mean(): NamedTensors | null;
}

/** @param share of the steps, the last ones, over which weights are averaged; 0 averages none */
export function openAverage({ steps, share }: { steps: number; share: number }): WeightAverage {
  const every = Math.max(1, Math.floor((steps * share) / SNAPSHOTS));
  let taken = 0;
  let mean: Record<string, NamedTensor> | null = null;
  return {
    take(step, trained) {
      if (share === 0 || step < steps * (1 - share) || (steps - step) % every !== 0) return;
      taken++;
      const weights = trained();
      if (mean === null) mean = { ...weights };
      else for (const [name, { data }] of Object.entries(mean)) moveTowards(data, (weights[name] as NamedTensor).data, 1 / taken);
    },
    mean: () => mean,
  };
}

function moveTowards(mean: Float32Array, values: Float32Array, share: number): void {
  for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) + share * ((values[i] as number) - (mean[i] as number));
}
