/** Draws words of a batch, and pairs of them: balanced between same and different tags and mostly about entities, or any two. */
import type { Random } from '../corpora/random.ts';
import type { PackedBatch, PlacedWord } from '../encoders/pack.ts';
import type { TrainingOptions } from '../schemas/options.ts';

export interface DrawnPair {
  /** Indices into the list of tags. */
  readonly left: number;
  readonly right: number;
  readonly same: boolean;
}

/** Almost all words are `O`: this share of the drawn left words are entity words, where there are any. */
const ENTITY_SHARE = 0.75;

/** Share of pairs with the same tag; null: any two words make a pair. */
export type Balance = number | null;

export function balanceOf({ pairDraw, pairBalance }: Pick<TrainingOptions, 'pairDraw' | 'pairBalance'>): Balance {
  return pairDraw === 'balanced' ? pairBalance : null;
}

/** `count` pairs; `outside` is the tag `O`. */
export function drawPairs(tags: ArrayLike<number>, { count, balance, outside, random }: { count: number; balance: Balance; outside: number; random: Random }): DrawnPair[] {
  const index = new TagIndex(tags);
  const entities = Array.from({ length: tags.length }, (_, word) => word).filter((word) => tags[word] !== outside);
  const pairs: DrawnPair[] = [];
  for (let i = 0; i < count && tags.length > 1; i++) {
    const left = balance !== null && entities.length > 0 && random.next() < ENTITY_SHARE ? (entities[random.int(entities.length)] as number) : random.int(tags.length);
    const pair = index.partner(left, balance, random);
    if (pair !== null) pairs.push(pair);
  }
  return pairs;
}

/** Every word begins `perWord` pairs, so that every word is distilled; of what is no whole number, a random part of the words begins one more. */
export function drawPartners(tags: ArrayLike<number>, { balance, perWord, random }: { balance: Balance; perWord: number; random: Random }): DrawnPair[] {
  const index = new TagIndex(tags);
  const words = Array.from({ length: tags.length }, (_, word) => word);
  const whole = Math.floor(perWord);
  const rest = Math.round((perWord - whole) * words.length);
  const lefts = [...Array.from({ length: whole }, () => words).flat(), ...(rest > 0 ? random.shuffle([...words]).slice(0, rest) : [])];
  return lefts.map((left) => index.partner(left, balance, random)).filter((pair) => pair !== null);
}

/** One random word of each window of the batch that decides any. */
export function oneOfEachWindow({ words, segments, length }: Pick<PackedBatch, 'words' | 'segments' | 'length'>, random: Random): PlacedWord[] {
  const windows = new Map<string, PlacedWord[]>();
  for (const word of words) {
    const key = `${Math.floor(word.at / length)} ${segments[word.at]}`;
    const others = windows.get(key);
    if (others === undefined) windows.set(key, [word]);
    else others.push(word);
  }
  return [...windows.values()].map((own) => own[random.int(own.length)] as PlacedWord);
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
  partner(left: number, balance: Balance, random: Random): DrawnPair | null {
    const tag = this.#tags[left] as number;
    if (balance === null) return this.#anyPartner(left, random);
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

  #anyPartner(left: number, random: Random): DrawnPair | null {
    if (this.#tags.length < 2) return null;
    const other = random.int(this.#tags.length - 1);
    const right = other < left ? other : other + 1;
    return { left, right, same: this.#tags[left] === this.#tags[right] };
  }
}
