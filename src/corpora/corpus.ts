/** A dataset's sentences in memory. */

export interface Sentence {
  readonly tokens: readonly string[];
  /** IOB2, one for each token; absent for raw text. */
  readonly tags?: readonly string[];
}

export interface Corpus {
  readonly datasetId: string;
  /** BCP 47 */
  readonly language: string;
  readonly split: 'train' | 'dev' | 'test';
  readonly labels: readonly string[];
  readonly digest: string;
  readonly sentences: readonly Sentence[];
}

/** Each once, in the order of the sets. */
export function languagesOf(sets: readonly Pick<Corpus, 'language'>[]): string[] {
  return [...new Set(sets.map(({ language }) => language))];
}
