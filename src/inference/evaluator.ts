/** An evaluator (similarity teacher): how likely two words have the same tag. */
import type { WordPair } from '../corpora/pairs.ts';
import type { Predicted, Predictor } from './predictor.ts';

export interface Evaluator {
  /** @returns s in (0, 1) for each pair */
  similarity(pairs: readonly WordPair[], options?: { signal?: AbortSignal }): Promise<Float32Array>;
  dispose(): void;
}

/** Keeps norms off zero, as in the reference values (torch's cosine_similarity with eps 1e-6). */
export const COSINE_EPSILON = 1e-6;

export function evaluatorOf(predictor: Predictor, { hiddenSize, temperature, dispose }: { hiddenSize: number; temperature: number; dispose: () => void }): Evaluator {
  return {
    async similarity(pairs, { signal } = {}) {
      // pairs are drawn from few sentences: each is encoded once
      const indexOf = new Map<string, number>();
      const sentences: (readonly string[])[] = [];
      const place = ({ tokens }: WordPair['left']): number => {
        const key = tokens.join('\u0000');
        const known = indexOf.get(key);
        if (known !== undefined) return known;
        indexOf.set(key, sentences.length);
        return sentences.push(tokens) - 1;
      };
      const sides = pairs.map(({ left, right }) => [place(left), place(right)] as const);
      const predicted = await predictor.predict(sentences, signal === undefined ? {} : { signal });
      const vector = (sentence: number, word: number): Float32Array => {
        const { vectors } = predicted[sentence] as Predicted;
        return (vectors ?? new Float32Array(0)).subarray(word * hiddenSize, (word + 1) * hiddenSize);
      };
      return Float32Array.from(pairs, ({ left, right }, index) => {
        const [a, b] = sides[index] as readonly [number, number];
        return similarityOf(cosine(vector(a, left.word), vector(b, right.word)), temperature);
      });
    },
    dispose,
  };
}

export function cosine(a: Float32Array, b: Float32Array): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number;
    const y = b[i] as number;
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.max(Math.sqrt(aa) * Math.sqrt(bb), COSINE_EPSILON);
}

/** s = sigmoid(cos / temperature) */
export function similarityOf(cosine: number, temperature: number): number {
  return 1 / (1 + Math.exp(-cosine / temperature));
}
