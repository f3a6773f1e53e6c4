/** Draws pairs of words inside a batch: balanced between same and different tags, and mostly about entities. */
import type { Random } from '../corpora/random.ts';

export interface DrawnPair {
  /** Indices into the list of tags. */
  readonly left: number;
  readonly right: number;
  readonly same: boolean;
}

/** Almost all words are `O`: this share of the drawn left words are entity words, where there are any. */
const ENTITY_SHARE = 0.75;

/** `count` pairs; `outside` is the tag `O`. */
export function drawPairs(tags: ArrayLike<number>, { count, balance, outside, random }: { count: number; balance: number; outside: number; random: Random }): DrawnPair[] {
  const index = new TagIndex(tags);
  const entities = Array.from({ length: tags.length }, (_, word) => word).filter((word) => tags[word] !== outside);
  const pairs: DrawnPair[] = [];
  for (let i = 0; i < count && tags.length > 1; i++) {
    const left = entities.length > 0 && random.next() < ENTITY_SHARE ? (entities[random.int(entities.length)] as number) : random.int(tags.length);
    const pair = index.partner(left, balance, random);
    if (pair !== null) pairs.push(pair);
  }
  return pairs;
}

/** One pair for each word of the batch, so that every word is distilled. */
export function drawPartners(tags: ArrayLike<number>, { balance, random }: { balance: number; random: Random }): DrawnPair[] {
  const index = new TagIndex(tags);
  const pairs: DrawnPair[] = [];
  for (let left = 0; left < tags.length; left++) {
    const pair = index.partner(left, balance, random);
    if (pair !== null) pairs.push(pair);
  }
  return pairs;
}

class TagIndex {
  readonly #tags: ArrayLike<number>;
  readonly #words = new Map<number, number[]>();

  constructor(tags: ArrayLike<number>) {
    this.#tags = tags;
    for (let word = 0; word < tags.length; word++) {
      const tag = tags[word] as number;
      const words = this.#words.get(tag);
      if (words === undefined) this.#words.set(tag, [word]);
      else words.push(word);
    }
  }

  /** A word of the same tag with probability `balance`, else of another one (tags equally likely); what is impossible yields to the other. */
  partner(left: number, balance: number, random: Random): DrawnPair | null {
    const tag = this.#tags[left] as number;
    const twins = (this.#words.get(tag) ?? []).length - 1;
    const others = [...this.#words.keys()].filter((other) => other !== tag);
    const wantsSame = random.next() < balance;
    if (twins === 0 && others.length === 0) return null;
    const same = others.length === 0 || (wantsSame && twins > 0);
    const words = this.#words.get(same ? tag : (others[random.int(others.length)] as number)) ?? [];
    let right = words[random.int(same ? words.length - 1 : words.length)] as number;
    if (same && right === left) right = words[words.length - 1] as number;
    return { left, right, same };
  }
}
