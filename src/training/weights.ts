/** The student's alpha, beta and gamma (MTMT, section 3.4): computed from the teachers alone, so they carry no gradient and need no graph. */
import { cosine, similarityOf } from '../inference/evaluator.ts';

export type Beta = 'squared' | 'shifted' | 'none';

/** Trust a sure recognizer: (max p)^2. */
export function alphaOf(probs: Float32Array): number {
  let max = 0;
  for (const p of probs) max = Math.max(max, p);
  return max * max;
}

/** Trust a decided evaluator. `squared` is the paper's and the article's, `shifted` the authors' code's. */
export function betaOf(similarity: number, beta: Beta): number {
  if (beta === 'none') return 1;
  const squared = (2 * similarity - 1) ** 2;
  return beta === 'squared' ? squared : Math.min(1, squared + 0.5);
}

/** Trust the pair where both teachers agree: 1 - |sigmoid(cos(pT1, pT2)) - sT|. */
export function gammaOf(left: Float32Array, right: Float32Array, similarity: number): number {
  return 1 - Math.abs(similarityOf(cosine(left, right), 1) - similarity);
}

export interface WordPairOfBatch {
  /** Indices into the batch's words. */
  readonly left: number;
  readonly right: number;
  /** sT */
  readonly similarity: number;
}

export interface ObjectiveOptions {
  readonly alpha: boolean;
  readonly beta: Beta;
  readonly gamma: boolean;
  /** lambda */
  readonly similarityWeight: number;
}

/**
 * The objective is the mean over pairs of gamma (1/2 alpha1 L1 + 1/2 alpha2 L2 + lambda beta Lsim). L of a word does not depend on its pair,
 * so the sum is regrouped: a weight for each word's recognition loss and one for each pair's similarity loss.
 * @param probs the recognizer's distribution for each word of the batch
 */
export function objectiveWeights(
  probs: readonly Float32Array[],
  pairs: readonly WordPairOfBatch[],
  { alpha, beta, gamma, similarityWeight }: ObjectiveOptions,
): { words: Float32Array; pairs: Float32Array } {
  const words = new Float64Array(probs.length);
  const alphas = probs.map((p) => (alpha ? alphaOf(p) : 1));
  const pairWeights = pairs.map(({ left, right, similarity }) => {
    const g = (gamma ? gammaOf(probs[left] as Float32Array, probs[right] as Float32Array, similarity) : 1) / pairs.length;
    words[left] = (words[left] as number) + (g * (alphas[left] as number)) / 2;
    words[right] = (words[right] as number) + (g * (alphas[right] as number)) / 2;
    return g * similarityWeight * betaOf(similarity, beta);
  });
  return { words: Float32Array.from(words), pairs: Float32Array.from(pairWeights) };
}
