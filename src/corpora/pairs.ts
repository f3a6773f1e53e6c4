/** Labeled pairs of words: what an evaluator learns from. */
import type { Sentence } from './corpus.ts';
import { random } from './random.ts';

export interface PairSide {
  readonly tokens: readonly string[];
  /** Index into `tokens`. */
  readonly word: number;
}

export interface WordPair {
  readonly left: PairSide;
  readonly right: PairSide;
  /** Whether both words have the same tag; absent for unlabeled pairs. */
  readonly same?: boolean;
}

/** Almost all words are `O`: this share of the left words are entity words, where there are any. */
const ENTITY_SHARE = 0.75;

/**
 * Draws pairs over all sentences of a labeled corpus.
 * @param balance share of pairs with the same tag; tags of different pairs are drawn equally often
 */
export function drawPairs(sentences: readonly Sentence[], { count, balance, seed }: { count: number; balance: number; seed: number }): WordPair[] {
  const generator = random(seed);
  const byTag = new Map<string, PairSide[]>();
  for (const { tokens, tags = [] } of sentences) {
    tags.forEach((tag, word) => {
      const words = byTag.get(tag) ?? [];
      byTag.set(tag, words);
      words.push({ tokens, word });
    });
  }
  const tags = [...byTag.keys()].sort();
  const entityTags = tags.filter((tag) => tag !== 'O');
  const pick = <T>(items: readonly T[]): T => items[generator.int(items.length)] as T;
  const pairs: WordPair[] = [];
  for (let i = 0; i < count && tags.length > 0; i++) {
    const tag = pick(entityTags.length > 0 && generator.next() < ENTITY_SHARE ? entityTags : tags);
    const others = tags.filter((other) => other !== tag);
    const own = byTag.get(tag) ?? [];
    const same = others.length === 0 || (generator.next() < balance && own.length > 1);
    const left = pick(own);
    let right = pick(same ? own : (byTag.get(pick(others)) ?? []));
    if (same && right === left) right = own[(own.indexOf(left) + 1) % own.length] as PairSide;
    if (right !== left) pairs.push({ left, right, same });
  }
  return pairs;
}
