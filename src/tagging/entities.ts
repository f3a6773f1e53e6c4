/**
 * Words' distributions over tags -> entities with scores. The ecosystem's strategies say how the pieces of a word make the word, and then
 * take the mean over an entity's words; our models give a word the distribution of its first piece, so here `average` and `max` speak of the
 * words of an entity. What each does is told in schemas/ner.ts.
 */
import { mean } from '../scoring/mean.ts';
import { applyTemperature } from '../scoring/calibration.ts';
import { decode } from '../scoring/viterbi.ts';
import type { Aggregation } from '../schemas/ner.ts';
import { spansOfTags, tagsOfSpans } from '../text/bio.ts';
import type { LabelSet } from '../text/label-set.ts';
import type { WordSpan } from '../text/span.ts';

export interface ScoredSpan extends WordSpan {
  /** 0 to 1 */
  readonly score: number;
  /** With the aggregation `none`. */
  readonly tag?: string;
}

export interface EntityOptions {
  readonly aggregation: Aggregation;
  /** The model's; `none` and `simple` take each word's best tag. */
  readonly decoding: 'viterbi' | 'argmax';
  /** Of the model. It moves scores, and the label where `average` and `max` choose one by them; tags are read without it. */
  readonly temperature: number;
  /** Least score. */
  readonly threshold: number;
}

/** @param given `[words, tags]` row-major, as the model gives them */
export function entitiesOf(given: Float32Array, labels: LabelSet, { aggregation, decoding, temperature, threshold }: EntityOptions): ScoredSpan[] {
  const isPlain = aggregation === 'none' || aggregation === 'simple';
  // a temperature changes neither a word's order of tags nor that of sequences (log p / T), but rounding and the floor of log p might
  const tags = decode(given, labels, isPlain ? 'argmax' : decoding);
  const probs = temperature === 1 ? given : applyTemperature(given, labels.tags.length, temperature);
  const found = aggregation === 'none' ? taggedWords(probs, labels, tags) : spansOfTags(tags).map((span) => scored(span, { probs, labels, tags, aggregation }));
  return found.filter(({ score }) => score >= threshold);
}

/** A tag for each word, as the entities that are left say. */
export function tagsOfEntities(entities: readonly ScoredSpan[], count: number): string[] {
  const tags = tagsOfSpans(entities, count);
  for (const { wordStart, tag } of entities) if (tag !== undefined) tags[wordStart] = tag;
  return tags;
}

function taggedWords(probs: Float32Array, labels: LabelSet, tags: readonly string[]): ScoredSpan[] {
  return tags.flatMap((tag, word) => {
    if (tag === 'O') return [];
    return [{ wordStart: word, wordEnd: word + 1, label: tag.slice(2), score: rounded(at(probs, labels, word, labels.tags.indexOf(tag))), tag }];
  });
}

function scored(span: WordSpan, o: { probs: Float32Array; labels: LabelSet; tags: readonly string[]; aggregation: Aggregation }): ScoredSpan {
  const words = Array.from({ length: span.wordEnd - span.wordStart }, (_, index) => span.wordStart + index);
  const { probs, labels, tags, aggregation } = o;
  if (aggregation === 'average' || aggregation === 'max') {
    // a label's share of a word is that of its B- and I- together
    const shares = labels.labels.map((label, index) => {
      const each = words.map((word) => at(probs, labels, word, 1 + 2 * index) + at(probs, labels, word, 2 + 2 * index));
      return { label, score: aggregation === 'max' ? each.reduce((a, b) => Math.max(a, b)) : mean(each) };
    });
    const best = shares.reduce((a, b) => (b.score > a.score ? b : a));
    return { ...span, label: best.label, score: rounded(best.score) };
  }
  return { ...span, score: rounded(mean(words.map((word) => at(probs, labels, word, labels.tags.indexOf(tags[word] ?? 'O'))))) };
}

function at(probs: Float32Array, { tags }: LabelSet, word: number, tag: number): number {
  return probs[word * tags.length + tag] ?? 0;
}

/** Six digits are what float32 holds; sums of its rounded values may pass 1. */
function rounded(score: number): number {
  return Math.min(1, Math.round(score * 1e6) / 1e6);
}
