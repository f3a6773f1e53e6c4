/** A recognizer or student that gives each word of a sentence a distribution over tags. */
import type { LabelSet } from '../text/label-set.ts';
import type { Predictor } from './predictor.ts';

export interface Recognized {
  /** `[words, tags]` probabilities as the model gives them, not calibrated; row-major, tags in the order of `labels.tags`. */
  readonly probs: Float32Array;
  /** Pieces of the sentence, special ones not counted. */
  readonly pieces: number;
  /** Overlapping windows that the sentence was read in; 1 for all but long ones. */
  readonly windows: number;
}

export interface Recognizer {
  readonly labels: LabelSet;
  /** Sentences of any length, in order; long ones are read in windows. */
  recognize(sentences: readonly (readonly string[])[], options?: { signal?: AbortSignal }): Promise<Recognized[]>;
  dispose(): void;
}

export function recognizerOf(predictor: Predictor, labels: LabelSet, dispose: () => void): Recognizer {
  return {
    labels,
    async recognize(sentences, { signal } = {}) {
      const predicted = await predictor.predict(sentences, signal === undefined ? {} : { signal });
      return predicted.map(({ probs = new Float32Array(0), pieces, windows }) => ({ probs, pieces, windows }));
    },
    dispose,
  };
}
