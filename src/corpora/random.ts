/** Seeded random numbers: the same seed gives the same numbers on every machine. */

export interface Random {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, n). */
  int(n: number): number;
  /** Shuffles in place (Fisher-Yates) and returns its argument. */
  shuffle<T>(items: T[]): T[];
}

/** Mulberry32 after a scrambled seed, so that neighbouring seeds give unrelated numbers. */
export function random(seed: number): Random {
  let state = Math.imul((seed >>> 0) ^ 0x9e3779b9, 0x85ebca6b) ^ Math.floor(seed / 2 ** 32);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (n: number): number => Math.floor(next() * n);
  return {
    next,
    int,
    shuffle(items) {
      for (let last = items.length - 1; last > 0; last--) {
        const other = int(last + 1);
        [items[last], items[other]] = [items[other] as (typeof items)[number], items[last] as (typeof items)[number]];
      }
      return items;
    },
  };
}
