/** What is sent to be tagged: texts of the demo's own sentences, in all of its languages. */
import { random } from '../../corpora/random.ts';
import { demoSets, LANGUAGES } from '../../demo/generate.ts';

/** Sentences of a text, and the share of texts that have so many. */
export const LENGTHS = [
  { sentences: 1, share: 0.5 },
  { sentences: 2, share: 0.3 },
  { sentences: 4, share: 0.2 },
] as const;

/** The same seed gives the same texts. */
export function mixedTexts(count: number, seed: number): string[] {
  const generator = random(seed);
  const sets = demoSets();
  const languages = LANGUAGES.map((language) => ({
    between: language === 'zh' ? '' : ' ',
    sentences: sets.filter((set) => set.language === language).flatMap(({ sentences }) => sentences),
  }));
  return Array.from({ length: count }, () => {
    const { between, sentences } = languages[generator.int(languages.length)] as (typeof languages)[number];
    const drawn = Array.from({ length: lengthAt(generator.next()) }, () => sentences[generator.int(sentences.length)]?.tokens.join(between) ?? '');
    return drawn.join(between);
  });
}

function lengthAt(share: number): number {
  let below = 0;
  return LENGTHS.find((length) => share < (below += length.share))?.sentences ?? 1;
}
