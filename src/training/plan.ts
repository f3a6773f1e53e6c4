/** Which windows each step of a run sees: shuffled anew each epoch by the seed, packed, and known before the first step. */
import { packUnits, type RowShape, type Window } from '../encoders/pack.ts';
import { random } from '../corpora/random.ts';

export interface PlannedStep {
  /** Windows of each row of each batch; one batch unless gradients are accumulated. */
  readonly batches: readonly (readonly (readonly Window[])[])[];
  /** Counted from 0. */
  readonly epoch: number;
  /** Whether a dev score is due after this step. */
  readonly isEvaluated: boolean;
}

export interface PlanOptions {
  readonly shape: RowShape;
  /** Smaller than `shape` where memory is short: what a batch of `shape` would hold becomes several of these. Default: `shape`. */
  readonly partShape?: RowShape;
  readonly epochs: number;
  readonly maxSteps: number | null;
  readonly evaluationsPerEpoch: number;
  readonly accumulation: number;
  readonly seed: number;
}

/** @param units windows that must come together: single ones, or both sides of a pair */
export function planSteps(units: readonly (readonly Window[])[], { shape, partShape = shape, epochs, maxSteps, evaluationsPerEpoch, accumulation, seed }: PlanOptions): PlannedStep[] {
  const planned: { batches: Window[][][]; epoch: number; isEvaluated: boolean }[] = [];
  for (let epoch = 0; epoch < epochs && planned.length < (maxSteps ?? Infinity); epoch++) {
    const order = random(seed + epoch).shuffle([...units]);
    const groups = inGroups([...packUnits(order, shape)], accumulation);
    groups.forEach((batches, index) => {
      const due = Math.floor(((index + 1) * evaluationsPerEpoch) / groups.length) > Math.floor((index * evaluationsPerEpoch) / groups.length);
      planned.push({ batches, epoch, isEvaluated: due });
    });
  }
  const steps = planned.slice(0, maxSteps ?? planned.length);
  const last = steps.at(-1);
  if (last !== undefined) last.isEvaluated = true;
  if (partShape.rows === shape.rows) return steps;
  const unitOf = new Map(units.flatMap((unit) => unit.map((window) => [window, unit])));
  const inParts = (rows: Window[][]): Window[][][] => [...packUnits(new Set(rows.flat().map((window) => unitOf.get(window) ?? [window])), partShape)];
  return steps.map((step) => ({ ...step, batches: step.batches.flatMap(inParts) }));
}

function inGroups<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, group) => items.slice(group * size, (group + 1) * size));
}
