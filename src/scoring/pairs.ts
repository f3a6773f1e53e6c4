/** Scores of an evaluator's decisions whether two words have the same tag. */
import type { Counts } from './ner.ts';

export interface PairScore extends Counts {
  readonly tn: number;
}

/** "Same" is the positive class. */
export function scorePairs(gold: readonly boolean[], predicted: readonly boolean[]): PairScore {
  const score = { tp: 0, fp: 0, fn: 0, tn: 0 };
  gold.forEach((same, index) => {
    const said = predicted[index] === true;
    score[said ? (same ? 'tp' : 'fp') : same ? 'fn' : 'tn']++;
  });
  return score;
}

export function accuracy({ tp, fp, fn, tn }: PairScore): number {
  const all = tp + fp + fn + tn;
  return all === 0 ? 0 : (tp + tn) / all;
}
