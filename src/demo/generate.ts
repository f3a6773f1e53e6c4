/** Draws the demo's sentences: a pattern, and a name or filler for each of its slots. The same seed draws the same sentences. */
import { readFileSync } from 'node:fs';
import { random, type Random } from '../corpora/random.ts';
import type { Sentence } from '../corpora/corpus.ts';

export const LANGUAGES = ['en', 'es', 'de', 'nl', 'zh'] as const;
export type DemoLanguage = (typeof LANGUAGES)[number];
export const SOURCE: DemoLanguage = 'en';
export const TARGETS: readonly DemoLanguage[] = LANGUAGES.filter((language) => language !== SOURCE);

/** Patterns and names that a set is drawn from; nothing is shared between a test part and any other. */
export interface Part {
  readonly patterns: readonly string[];
  readonly names: Readonly<Record<string, readonly string[]>>;
}
export interface Material {
  readonly language: DemoLanguage;
  readonly fillers: Readonly<Record<string, readonly string[]>>;
  readonly training: Part;
  /** English only. */
  readonly dev?: Part;
  readonly test: Part;
}

export interface DemoSet {
  readonly language: DemoLanguage;
  readonly kind: 'labeled' | 'unlabeled';
  readonly split: 'train' | 'dev' | 'test';
  readonly sentences: Sentence[];
}

const SIZES = { train: 800, dev: 150, unlabeled: 350, test: 130 };
const SLOT = /^\{(\w+)\}$/;
const MAX_TRIES = 200;

export function readMaterial(language: DemoLanguage): Material {
  return JSON.parse(readFileSync(new URL(`languages/${language}.json`, import.meta.url), 'utf8')) as Material;
}

/** Every set of the demo: English labeled, the others raw with a labeled test set. */
export function demoSets(): DemoSet[] {
  return LANGUAGES.flatMap((language): DemoSet[] => {
    const material = readMaterial(language);
    const test: DemoSet = { language, kind: 'labeled', split: 'test', sentences: draw(material, material.test, { count: SIZES.test, seed: 3 }) };
    if (language !== SOURCE) return [{ language, kind: 'unlabeled', split: 'train', sentences: draw(material, material.training, { count: SIZES.unlabeled, seed: 1 }) }, test];
    return [
      { language, kind: 'labeled', split: 'train', sentences: draw(material, material.training, { count: SIZES.train, seed: 1 }) },
      { language, kind: 'labeled', split: 'dev', sentences: draw(material, material.dev ?? material.training, { count: SIZES.dev, seed: 2 }) },
      test,
    ];
  });
}

/** Every pattern about equally often, no sentence twice. */
export function draw({ fillers }: Pick<Material, 'fillers'>, { patterns, names }: Part, { count, seed }: { count: number; seed: number }): Sentence[] {
  const generator = random(seed);
  const seen = new Set<string>();
  const sentences: Sentence[] = [];
  let order: string[] = [];
  for (let tries = 0; sentences.length < count && tries < count * MAX_TRIES; tries++) {
    if (order.length === 0) order = generator.shuffle([...patterns]);
    const sentence = fill(order.pop() ?? '', { names, fillers, generator });
    const key = sentence.tokens.join(' ');
    if (seen.has(key)) continue;
    seen.add(key);
    sentences.push(sentence);
  }
  return sentences;
}

function fill(pattern: string, { names, fillers, generator }: { names: Part['names']; fillers: Material['fillers']; generator: Random }): Sentence & { tags: string[] } {
  const tokens: string[] = [];
  const tags: string[] = [];
  const used = new Set<string>();
  const pick = (from: readonly string[]): string => {
    let chosen = '';
    do chosen = from[generator.int(from.length)] ?? '';
    while (used.has(chosen) && used.size < from.length);
    used.add(chosen);
    return chosen;
  };
  for (const word of pattern.split(' ')) {
    const slot = SLOT.exec(word)?.[1];
    const label = slot !== undefined && slot in names ? slot : null;
    const text = slot === undefined ? word : pick((label === null ? fillers[slot] : names[slot]) ?? [slot]);
    text.split(' ').forEach((token, index) => {
      tokens.push(token);
      tags.push(label === null ? 'O' : `${index === 0 ? 'B' : 'I'}-${label}`);
    });
  }
  return { tokens, tags };
}
