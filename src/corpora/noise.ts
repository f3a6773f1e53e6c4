/** Text made strange by degrees: the same sentences and tags, with letters exchanged for others of the same text. */
import type { Sentence } from './corpus.ts';
import { random } from './random.ts';

const LETTER = /\p{L}/u;
const UPPER = /\p{Lu}/u;

/** @param share of the letters that are exchanged, each for a letter drawn as often as the text has it; capitals for capitals */
export function withNoise(sentences: readonly Sentence[], { share, seed }: { share: number; seed: number }): Sentence[] {
  const generator = random(seed);
  const known = sentences.flatMap(({ tokens }) => tokens.flatMap((token) => Array.from(token).filter((character) => LETTER.test(character))));
  const [upper, other] = [known.filter((letter) => UPPER.test(letter)), known.filter((letter) => !UPPER.test(letter))];
  const strange = (character: string): string => {
    if (!LETTER.test(character) || generator.next() >= share) return character;
    const letters = UPPER.test(character) ? upper : other;
    return letters[generator.int(letters.length)] ?? character;
  };
  return sentences.map((sentence) => ({ ...sentence, tokens: sentence.tokens.map((token) => Array.from(token, strange).join('')) }));
}
