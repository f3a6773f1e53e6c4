/**
 * How a figure known without labels (a signal) tells of F1 on text that the model was not trained for.
 *
 * A model is too sure of itself on such text: where its signal falls, F1 falls further. How much further is measured on labeled text of the
 * source language that was made strange by degrees, and carried over (differences of confidences: Guillory et al. 2021, "Predicting with
 * confidence on unseen distributions"; strange text made of the labeled one: Tomani et al. 2021, "Post-hoc uncertainty calibration for domain
 * drift scenarios"). In logits, so that no fall leads below 0.
 *
 * Half of that is carried over: exchanged letters mislead a model more than another language does. With a recognizer of Dutch on English, whole
 * corrections were 7 and 18 points too low, none 13 and 15 too high.
 */
import { logitOf, sigmoid } from './calibration.ts';

/** F1 of less or more than this is as good as 0 or 1: logits of a dev set without an error would outweigh all others. */
const LEAST = 0.005;
/** Holds the slope at 1 for falls of less than a tenth of a logit, which may be chance. */
const PRIOR = 0.01;
/** Of a slope beyond 1. */
const CARRIED = 0.5;

/** What one labeled text gave: F1 by its gold tags, and the signal, both in [0, 1]. */
export interface Level {
  readonly f1: number;
  readonly signal: number;
}

export interface Shift {
  /** The source text as it is. */
  readonly clean: Level;
  /** By how far the signal fell, in logits: how many logits F1 fell for each of them, at least 1. In order of falls. */
  readonly slopes: readonly { readonly fall: number; readonly slope: number }[];
}

export function fitShift(clean: Level, strange: readonly Level[]): Shift {
  const slopes = strange.map(({ f1, signal }) => {
    const fall = fallOf(clean.signal, signal);
    const slope = (fall * fallOf(clean.f1, f1) + PRIOR) / (fall ** 2 + PRIOR);
    return { fall, slope: Math.max(1, slope) };
  });
  return { clean, slopes: slopes.filter(({ fall }) => fall > 0).sort((a, b) => a.fall - b.fall) };
}

/** @returns the F1 that a signal stands for; one that is higher than on the source, or that nothing is known about, is taken at its word */
export function carry({ clean, slopes }: Shift, signal: number): number {
  const fall = fallOf(clean.signal, signal);
  return sigmoid(logitOf(clean.f1, LEAST) - (1 + CARRIED * (slopeAt(slopes, fall) - 1)) * fall);
}

/** Straight between the falls that were measured, level outside of them. */
function slopeAt(slopes: Shift['slopes'], fall: number): number {
  const [first] = slopes;
  const last = slopes.at(-1);
  if (first === undefined || last === undefined || fall <= 0) return 1;
  if (fall >= last.fall) return last.slope;
  const after = slopes.findIndex((each) => each.fall > fall);
  const [before, next] = [slopes[after - 1] ?? first, slopes[after] ?? last];
  const share = next.fall > before.fall ? (fall - before.fall) / (next.fall - before.fall) : 1;
  return before.slope + share * (next.slope - before.slope);
}

function fallOf(from: number, to: number): number {
  return logitOf(from, LEAST) - logitOf(to, LEAST);
}
