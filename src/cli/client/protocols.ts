/** Figures of a run by what chose its checkpoint. */
import type { Score } from '../../schemas/result.ts';
import { PROTOCOLS } from '../../scoring/protocols.ts';

/** The runs' own first, then those of the others that every test set was scored by. */
export function protocolsOf(scores: readonly Score[]): string[] {
  const own = scores.map(({ selection }) => selection);
  const others = scores.length === 0 ? [] : PROTOCOLS.filter((name) => scores.every((score) => f1By(score, name) !== null));
  return [...new Set([...own, ...others])];
}

/** By the run's own decoding. @returns null where it was not scored so */
export function f1By({ f1, selection: own, decoding, variants }: Score, selection: string): number | null {
  if (selection === own) return f1;
  return variants.find((variant) => variant.selection === selection && variant.decoding === decoding)?.f1 ?? null;
}
