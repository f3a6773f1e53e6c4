/** A model whose probabilities are known: it says how likely each tag is, and gold tags are drawn as it says, or as a surer or less sure model says. */
import { random } from '../../src/corpora/random.ts';
import type { TaggedGold } from '../../src/scoring/expected.ts';
import { decode } from '../../src/scoring/viterbi.ts';
import { labelSet } from '../../src/text/label-set.ts';

export const labels = labelSet(['LOC', 'PER']);
const { tags } = labels;
const WORDS = 8;
const ENTITY_BEGINS = 0.16;
const ENTITY_GOES_ON = 0.33;

export interface Simulation {
  readonly sentences: number;
  readonly seed: number;
  /** Logits by which the model prefers one tag, give or take 1.5. */
  readonly strength: number;
  /** The model's log probabilities are those that gold tags are drawn by, multiplied by this; 1: they hold. */
  readonly sharpness?: number;
}

/** Gold tags are drawn word by word; an `I-` that nothing goes before is left out of the draw, because gold tags are well formed. */
export function simulate({ sentences, seed, strength, sharpness = 1 }: Simulation): TaggedGold[] {
  const generator = random(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - generator.next())) * Math.cos(2 * Math.PI * generator.next());
  const preferredAfter = (tag: string): string => {
    if (tag !== 'O' && generator.next() < ENTITY_GOES_ON) return `I-${tag.slice(2)}`;
    return generator.next() < ENTITY_BEGINS ? (generator.next() < 0.5 ? 'B-LOC' : 'B-PER') : 'O';
  };
  return Array.from({ length: sentences }, () => {
    const probs = new Float32Array(WORDS * tags.length);
    const gold: string[] = [];
    let preferred = 'O';
    for (let word = 0; word < WORDS; word++) {
      const before = preferred;
      preferred = preferredAfter(before);
      const isSure = preferred === 'O' ? strength + 2 : strength;
      const logits = tags.map((tag) => (tag === preferred ? isSure + 1.5 * normal() : tag === 'O' ? 1 : isStray(tag, before) ? -9 : 0));
      const last = gold.at(-1) ?? 'O';
      gold.push(draw(logits.map((logit, k) => (isStray(tags[k]!, last) ? 0 : Math.exp(logit)))));
      const sharp = logits.map((logit) => Math.exp(sharpness * logit));
      sharp.forEach((value, k) => (probs[word * tags.length + k] = value / sharp.reduce((a, b) => a + b)));
    }
    return { probs, gold, predicted: decode(probs, labels, 'viterbi') };
  });

  function draw(weights: readonly number[]): string {
    let left = generator.next() * weights.reduce((a, b) => a + b);
    return tags[weights.findIndex((weight) => (left -= weight) < 0)] ?? 'O';
  }
}

function isStray(tag: string, before: string): boolean {
  return tag.startsWith('I-') && before.slice(2) !== tag.slice(2);
}
