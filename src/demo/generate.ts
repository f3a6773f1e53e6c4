/** Draws the demo's sentences: a pattern, and a name or filler for each of its slots. The same seed draws the same sentences. */
import { readFileSync } from 'node:fs';
import type { Sentence } from '../corpora/corpus.ts';
import { random, type Random } from '../corpora/random.ts';

export const LANGUAGES = ['en', 'es', 'de', 'nl', 'zh'] as const;
export type DemoLanguage = (typeof LANGUAGES)[number];
export const SOURCE: DemoLanguage = 'en';

/** Patterns and names that a set is drawn from; nothing is shared between a test part and any other. */
export interface Part {
  /** Words, `{LABEL}` and `{filler}` slots, apart by one space each. */
  readonly patterns: readonly string[];
  /** By label. */
  readonly names: Readonly<Record<string, readonly string[]>>;
}

/** What one file in languages/ holds. */
export interface Material {
  readonly language: DemoLanguage;
  /** Plain words and phrases by the name of their slot. */
  readonly fillers: Readonly<Record<string, readonly string[]>>;
  /** In target languages raw text is drawn from it, and the tags are dropped. */
  readonly training: Part;
  /** English only. */
  readonly dev?: Part;
  readonly test: Part;
}

export interface DemoSet {
  readonly language: DemoLanguage;
  readonly kind: 'labeled' | 'unlabeled';
  readonly split: 'train' | 'dev' | 'test';
  /** With tags where labeled. */
  readonly sentences: readonly Sentence[];
}

type Tagged = Sentence & { readonly tags: readonly string[] };

const SIZES = { train: 800, dev: 150, raw: 350, sourceTest: 150, test: 120 };
const SEEDS = { training: 1, dev: 2, test: 3 };
const SLOT = /^\{(\w+)\}$/;
/** For a sentence that is new, until the pattern is left out: one without slots gives one sentence only. */
const TRIES = 20;

export function readMaterial(language: DemoLanguage): Material {
  return JSON.parse(readFileSync(new URL(`languages/${language}.json`, import.meta.url), 'utf8')) as Material;
}

/** Every set of the demo: English labeled, the others raw and with a labeled test set. */
export function demoSets(): DemoSet[] {
  return LANGUAGES.flatMap((language): DemoSet[] => {
    const material = readMaterial(language);
    const { training, dev = training, test } = material;
    const labeled = (split: DemoSet['split'], part: Part, count: number, seed: number): DemoSet => ({
      language,
      kind: 'labeled',
      split,
      sentences: draw(material, part, { count, seed }),
    });
    if (language !== SOURCE) {
      const raw = draw(material, training, { count: SIZES.raw, seed: SEEDS.training }).map(({ tokens }) => ({ tokens }));
      return [{ language, kind: 'unlabeled', split: 'train', sentences: raw }, labeled('test', test, SIZES.test, SEEDS.test)];
    }
    return [
      labeled('train', training, SIZES.train, SEEDS.training),
      labeled('dev', dev, SIZES.dev, SEEDS.dev),
      labeled('test', test, SIZES.sourceTest, SEEDS.test),
    ];
  });
}

/** Every pattern about equally often, no sentence twice. @throws where the part cannot give as many sentences */
export function draw({ fillers }: Pick<Material, 'fillers'>, { patterns, names }: Part, { count, seed }: { count: number; seed: number }): Tagged[] {
  const generator = random(seed);
  const slots = { ...fillers, ...names };
  const seen = new Set<string>();
  const labels = Object.keys(names);
  const drawNew = (pattern: string): Tagged | null => {
    for (let tries = 0; tries < TRIES; tries++) {
      const sentence = fill(pattern, { slots, labels, generator });
      const text = sentence.tokens.join(' ');
      if (seen.has(text)) continue;
      seen.add(text);
      return sentence;
    }
    return null;
  };
  const sentences: Tagged[] = [];
  while (sentences.length < count) {
    const before = sentences.length;
    for (const pattern of generator.shuffle([...patterns])) {
      const sentence = sentences.length < count ? drawNew(pattern) : null;
      if (sentence !== null) sentences.push(sentence);
    }
    if (sentences.length === before) throw new Error(`${patterns.length} patterns give ${sentences.length} sentences, not ${count}`);
  }
  return sentences;
}

interface Filling {
  readonly slots: Readonly<Record<string, readonly string[]>>;
  readonly labels: readonly string[];
  readonly generator: Random;
}

/** Two slots of one name get different words. */
function fill(pattern: string, { slots, labels, generator }: Filling): Tagged {
  const tokens: string[] = [];
  const tags: string[] = [];
  const used = new Set<string>();
  for (const word of pattern.split(' ')) {
    const slot = SLOT.exec(word)?.[1];
    const choices = slot === undefined ? [word] : (slots[slot] ?? []);
    const left = choices.filter((choice) => !used.has(`${slot} ${choice}`));
    const chosen = left[generator.int(left.length)];
    if (chosen === undefined) throw new Error(`nothing is left for ${word} in: ${pattern}`);
    if (slot !== undefined) used.add(`${slot} ${chosen}`);
    const label = slot !== undefined && labels.includes(slot) ? slot : null;
    for (const [index, token] of chosen.split(' ').entries()) {
      tokens.push(token);
      tags.push(label === null ? 'O' : `${index === 0 ? 'B' : 'I'}-${label}`);
    }
  }
  return { tokens, tags };
}
