/** How far a model's confidence is from its accuracy, in bins of confidence (Guo et al. 2017, section 2: expected calibration error). */
import type { ObservedWords } from './calibration.ts';

/** Guo et al. 2017, table 1. */
const BINS = 15;

/**
 * Mean over words of |accuracy - confidence| of the word's bin; confidence is the probability of its best tag.
 * @returns 0 to 1; 0 where there is no word. Words whose tag the model does not know are left out, as from the fit
 */
export function calibrationError(observed: readonly ObservedWords[], tags: readonly string[]): number {
  const indexOf = new Map(tags.map((tag, index) => [tag, index]));
  /** Of each bin: the right ones minus the sum of confidences. */
  const gaps = new Float64Array(BINS);
  let words = 0;
  for (const { probs, gold } of observed) {
    gold.forEach((tag, word) => {
      const wanted = indexOf.get(tag);
      if (wanted === undefined) return;
      const { best, confidence } = bestOf(probs.subarray(word * tags.length, (word + 1) * tags.length));
      const bin = Math.min(BINS - 1, Math.floor(confidence * BINS));
      gaps[bin] = (gaps[bin] as number) + (best === wanted ? 1 : 0) - confidence;
      words++;
    });
  }
  return words === 0 ? 0 : gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / words;
}

function bestOf(row: Float32Array): { best: number; confidence: number } {
  let best = 0;
  for (let tag = 1; tag < row.length; tag++) if ((row[tag] as number) > (row[best] as number)) best = tag;
  return { best, confidence: row[best] ?? 0 };
}
