/** Paired bootstrap of a difference in F1: two systems on the same sentences, resampled together (Koehn 2004; Berg-Kirkpatrick et al. 2012). */
import { random } from '../corpora/random.ts';
import { prf } from './ner.ts';

/** tp, fp, fn of each sentence in turn: `[sentences, 3]`, row-major. */
export type SentenceCounts = ArrayLike<number>;

/** Systems on one test set. Of several (seeds) the mean F1 counts; all see the same resampled sentences. */
export interface Stratum {
  readonly systems: readonly SentenceCounts[];
  readonly baselines: readonly SentenceCounts[];
}

export interface PairedDifference {
  /** Mean over the strata of the systems' mean F1 minus the baselines'. */
  readonly difference: number;
  /** 2.5 and 97.5 percentiles over the resamplings. */
  readonly ci95: [number, number];
}

const COUNTS = 3;

/** @throws RangeError where the lists of a stratum are not of the same sentences, or there is nothing to compare */
export function pairedDifference(strata: readonly Stratum[], { seed, samples = 1000 }: { seed: number; samples?: number }): PairedDifference {
  if (strata.length === 0) throw new RangeError('there is no test set to compare systems on');
  const sizes = strata.map(sentencesOf);
  const generator = random(seed);
  const mean = (drawn: (stratum: number) => ArrayLike<number> | null): number =>
    strata.reduce((sum, stratum, index) => sum + differenceOf(stratum, drawn(index)), 0) / strata.length;
  const values = Array.from({ length: samples }, () => mean((index) => draw(sizes[index] ?? 0, () => generator.next()))).sort((a, b) => a - b);
  const at = (quantile: number): number => values[Math.min(samples - 1, Math.floor(quantile * samples))] ?? 0;
  return { difference: mean(() => null), ci95: [at(0.025), at(0.975)] };
}

/** @param times how often each sentence counts; null: once */
function differenceOf({ systems, baselines }: Stratum, times: ArrayLike<number> | null): number {
  const meanF1 = (lists: readonly SentenceCounts[]): number => lists.reduce((sum, counts) => sum + f1Of(counts, times), 0) / lists.length;
  return meanF1(systems) - meanF1(baselines);
}

function f1Of(counts: SentenceCounts, times: ArrayLike<number> | null): number {
  let [tp, fp, fn] = [0, 0, 0];
  for (let at = 0, sentence = 0; at < counts.length; at += COUNTS, sentence++) {
    const weight = times === null ? 1 : (times[sentence] as number);
    if (weight === 0) continue;
    tp += weight * (counts[at] as number);
    fp += weight * (counts[at + 1] as number);
    fn += weight * (counts[at + 2] as number);
  }
  return prf({ tp, fp, fn }).f1;
}

/** How often each of `size` sentences is drawn in `size` draws with replacement. */
function draw(size: number, next: () => number): Int32Array {
  const times = new Int32Array(size);
  for (let i = 0; i < size; i++) {
    const sentence = Math.floor(next() * size);
    times[sentence] = (times[sentence] as number) + 1;
  }
  return times;
}

function sentencesOf({ systems, baselines }: Stratum): number {
  const lengths = new Set([...systems, ...baselines].map((counts) => counts.length));
  const [length = 0] = lengths;
  if (systems.length === 0 || baselines.length === 0 || lengths.size !== 1 || length % COUNTS !== 0)
    throw new RangeError(`systems and baselines must be counted on the same sentences, found ${[...lengths].join(', ')} counts`);
  return length / COUNTS;
}
