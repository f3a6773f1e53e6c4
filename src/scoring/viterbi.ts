/** Reads tags from each word's distribution: each word's best, or the best sequence that BIO allows (as TSL and UniTrans decode). */
import type { LabelSet } from '../text/label-set.ts';

/** Keeps log of zero finite. */
const FLOOR = 1e-12;

/** @param probs `[words, tags]` row-major */
export function decode(probs: Float32Array, labels: LabelSet, decoding: 'viterbi' | 'argmax'): string[] {
  const indices = decoding === 'viterbi' ? viterbi(probs.map((p) => Math.log(Math.max(p, FLOOR))), labels) : argmaxTags(probs, labels);
  return Array.from(indices, (index) => labels.tags[index] ?? 'O');
}

/** @returns index of each word's best tag */
export function argmaxTags(probs: Float32Array, { tags }: LabelSet): number[] {
  return Array.from({ length: probs.length / tags.length }, (_, word) => {
    let best = 0;
    for (let tag = 1; tag < tags.length; tag++) if (at(probs, word, tag, tags.length) > at(probs, word, best, tags.length)) best = tag;
    return best;
  });
}

/** The sequence with the highest sum of `logProbs` `[words, tags]` in which every `I-X` follows `B-X` or `I-X`. */
export function viterbi(logProbs: Float32Array, { tags }: LabelSet): number[] {
  const count = tags.length;
  const words = logProbs.length / count;
  if (words === 0) return [];
  const isInside = (tag: number): boolean => tag > 0 && tag % 2 === 0; // tags are O, B-a, I-a, B-b, I-b, …
  let scores = Float64Array.from({ length: count }, (_, tag) => (isInside(tag) ? -Infinity : at(logProbs, 0, tag, count)));
  let next = new Float64Array(count);
  /** Where the best sequence that ends in a word's tag comes from; a document may have half a million words. */
  const from = new Int32Array(words * count);
  for (let word = 1; word < words; word++) {
    const best = indexOfMax(scores);
    for (let tag = 0; tag < count; tag++) {
      // I-X may follow only itself and its B-X; everything else follows whatever is best
      const source = isInside(tag) ? ((scores[tag] as number) >= (scores[tag - 1] as number) ? tag : tag - 1) : best;
      from[word * count + tag] = source;
      next[tag] = (scores[source] as number) + at(logProbs, word, tag, count);
    }
    [scores, next] = [next, scores];
  }
  const path = new Array<number>(words);
  let tag = indexOfMax(scores);
  for (let word = words - 1; word >= 0; word--) {
    path[word] = tag;
    tag = from[word * count + tag] as number;
  }
  return path;
}

function at(values: Float32Array, word: number, tag: number, count: number): number {
  return values[word * count + tag] as number;
}

function indexOfMax(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
