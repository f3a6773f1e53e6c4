/** What a dataset holds, counted while it is written. */
import { createHash } from 'node:crypto';
import { spansOfTags } from '../text/bio.ts';
import type { Sentence } from './corpus.ts';
import type { WordPair } from './pairs.ts';

export interface ContentCounts {
  /** Sorted. */
  readonly labels: string[];
  /** In pairs: sentences that differ. */
  readonly sentences: number;
  readonly words: number;
  readonly entities: Record<string, number>;
  readonly pairs: number;
}

/** Sentences of pairs that are told apart; their digests are all that is held of a file. */
const MAX_KNOWN = 1_000_000;

export interface Counter {
  take(item: Sentence | WordPair): void;
  result(): ContentCounts & { readonly warnings: string[] };
}

export function counter(): Counter {
  let sentences = 0;
  let words = 0;
  let pairs = 0;
  const entities = new Map<string, number>();
  const known = new Set<string>();
  const takeSide = (tokens: readonly string[]): void => {
    if (known.size >= MAX_KNOWN) return;
    const digest = createHash('sha1').update(tokens.join('\u0000')).digest('base64');
    if (known.has(digest)) return;
    known.add(digest);
    sentences++;
    words += tokens.length;
  };
  return {
    take(item) {
      if ('left' in item) {
        pairs++;
        takeSide(item.left.tokens);
        takeSide(item.right.tokens);
        return;
      }
      sentences++;
      words += item.tokens.length;
      for (const { label } of spansOfTags(item.tags ?? [])) entities.set(label, (entities.get(label) ?? 0) + 1);
    },
    result() {
      const sorted = [...entities].sort(([a], [b]) => (a < b ? -1 : 1));
      const warnings = known.size >= MAX_KNOWN ? [`sentences and words were counted up to ${MAX_KNOWN} different sentences of the pairs`] : [];
      return { labels: sorted.map(([label]) => label), sentences, words, entities: Object.fromEntries(sorted), pairs, warnings };
    },
  };
}
