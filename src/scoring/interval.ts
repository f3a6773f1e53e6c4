/** Bootstrap interval of F1 over sentences (percentile method). */
import { random } from '../corpora/random.ts';
import { prf, type Counts } from './ner.ts';

/** @returns the 2.5 and 97.5 percentiles of F1 over `samples` resamplings with replacement */
export function bootstrapInterval(perSentence: readonly Counts[], { seed, samples = 1000 }: { seed: number; samples?: number }): [number, number] {
  const generator = random(seed);
  const values = Array.from({ length: samples }, () => {
    const sum = { tp: 0, fp: 0, fn: 0 };
    for (let i = 0; i < perSentence.length; i++) {
      const { tp, fp, fn } = perSentence[generator.int(perSentence.length)] as Counts;
      sum.tp += tp;
      sum.fp += fp;
      sum.fn += fn;
    }
    return prf(sum).f1;
  }).sort((a, b) => a - b);
  const at = (quantile: number): number => values[Math.min(samples - 1, Math.floor(quantile * samples))] ?? 0;
  return [at(0.025), at(0.975)];
}
