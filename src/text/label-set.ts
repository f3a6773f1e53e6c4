/** The labels of a model and the tags that they make, in their one order. */

export interface LabelSet {
  /** Sorted. */
  readonly labels: readonly string[];
  /** `O`, then `B-` and `I-` of each label. */
  readonly tags: readonly string[];
}

export function labelSet(labels: Iterable<string>): LabelSet {
  const sorted = [...new Set(labels)].sort();
  return { labels: sorted, tags: ['O', ...sorted.flatMap((label) => [`B-${label}`, `I-${label}`])] };
}
