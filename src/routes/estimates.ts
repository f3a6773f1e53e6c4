/** Estimates as the contract shows them, the truth beside them where there is one. */
import type { Estimate } from '../schemas/estimate.ts';
import { addCounts, prf } from '../scoring/ner.ts';
import type { EstimateRecord } from '../store/estimates.ts';
import type { ScoreRecord } from '../store/scores.ts';

/** @param scores of the same run */
export function presentEstimates(estimates: readonly EstimateRecord[], scores: readonly ScoreRecord[]): Estimate[] {
  return estimates.map(({ runId: _, ciLow, ciHigh, ...estimate }) => ({ ...estimate, ci95: [ciLow, ciHigh], truth: truthOf(estimate, scores) }));
}

function truthOf({ language, f1 }: { language: string; f1: number }, scores: readonly ScoreRecord[]): Estimate['truth'] {
  const counted = scores.filter((score) => score.language === language && score.label === '' && score.scorer === 'conlleval');
  const [first] = counted;
  if (first === undefined) return null;
  const truth = prf(counted.reduce(addCounts, { tp: 0, fp: 0, fn: 0 })).f1;
  return { f1: truth, split: first.split, error: f1 - truth };
}
