/** Learning rate over the steps of a run. */

export interface Schedule {
  readonly kind: 'linear' | 'constant';
  readonly steps: number;
  /** Steps in which the factor rises from 0. */
  readonly warmupSteps: number;
}

/** Factor of the peak rate at `step`, counted from 0, as in transformers' get_linear_schedule_with_warmup. */
export function rateFactor(step: number, { kind, steps, warmupSteps }: Schedule): number {
  if (step < warmupSteps) return step / Math.max(1, warmupSteps);
  if (kind === 'constant') return 1;
  return Math.max(0, (steps - step) / Math.max(1, steps - warmupSteps));
}
