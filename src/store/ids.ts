/** Opaque ids with a prefix that tells what they name. */
import { randomBytes } from 'node:crypto';

export type IdKind = 'ds' | 'exp' | 'run' | 'ckpt';

/** No vowels and no look-alikes: ids spell nothing and are read out without mistakes. */
const ALPHABET = '23456789bcdfghjkmnpqrstvwxz';
const LENGTH = 20;

export function newId(kind: IdKind): string {
  // 27 letters in 5 bits: 32 values, the upper five drawn again
  let id = '';
  while (id.length < LENGTH) for (const byte of randomBytes(LENGTH)) id += ALPHABET[byte & 31] ?? '';
  return `${kind}_${id.slice(0, LENGTH)}`;
}
