/**
 * How many spans a model has right, by its own word: two claims for each sentence, that a predicted span is right (exact span and label), and
 * that a word begins a gold span. What they are worth is learned on labeled text.
 */
import type { Random } from '../corpora/random.ts';
import { spansOfTags } from '../text/bio.ts';
import type { LabelSet } from '../text/label-set.ts';
import type { WordSpan } from '../text/span.ts';
import { applyTemperature, fitLogistic, fitTemperature, logitOf, scaled, type LogisticScale } from './calibration.ts';
import { prf, type Counts } from './ner.ts';

/** A sentence as a model tags it. */
export interface Tagged {
  /**
   * What speaks for the tags, `[words, tags]` row-major, in the order of the label set: the model's own distributions; for a student the mean of
   * them and its teacher's.
   */
  readonly probs: Float32Array;
  readonly predicted: readonly string[];
  /** A teacher's tags of the same words, where the model is a student. */
  readonly teacher?: readonly string[] | undefined;
}

export interface TaggedGold extends Tagged {
  readonly gold: readonly string[];
}

export interface ClaimScales {
  readonly labels: LabelSet;
  readonly temperature: number;
  readonly spans: LogisticScale;
  readonly starts: LogisticScale;
}

/** Of one sentence, by word where it begins. */
export interface Chances {
  /** That a predicted span is right; absent where none begins. */
  readonly spans: ReadonlyMap<number, number>;
  /** That a gold span of any label begins. */
  readonly starts: readonly number[];
}

/** Mean numbers of spans. */
export interface Expected {
  readonly tp: number;
  readonly predicted: number;
  readonly gold: number;
}

export function fitClaims(labels: LabelSet, source: readonly TaggedGold[]): ClaimScales {
  const temperature = fitTemperature(source, labels.tags);
  const sentences = source.map((sentence) => ({ claims: logitsOf(sentence, labels, temperature), gold: spansOfTags(sentence.gold) }));
  const spans = sentences.flatMap(({ claims, gold }) => {
    const right = new Set(gold.map(keyOf));
    return claims.spans.map(({ span, logit }) => ({ logit, isRight: right.has(keyOf(span)) }));
  });
  const starts = sentences.flatMap(({ claims, gold }) => {
    const begins = new Set(gold.map(({ wordStart }) => wordStart));
    return claims.starts.map((logit, word) => ({ logit, isRight: begins.has(word) }));
  });
  return { labels, temperature, spans: fitLogistic(spans), starts: fitLogistic(starts) };
}

export function chancesOf({ labels, temperature, spans, starts }: ClaimScales, sentence: Tagged): Chances {
  const claims = logitsOf(sentence, labels, temperature);
  return {
    spans: new Map(claims.spans.map(({ span, logit }) => [span.wordStart, scaled(spans, logit)])),
    starts: claims.starts.map((logit) => scaled(starts, logit)),
  };
}

export function expectedOf(chances: readonly Chances[]): Expected {
  let [tp, predicted, gold] = [0, 0, 0];
  for (const { spans, starts } of chances) {
    predicted += spans.size;
    for (const chance of spans.values()) tp += chance;
    for (const chance of starts) gold += chance;
  }
  return { tp, predicted, gold };
}

/** Of the mean numbers; 0 where nothing is predicted and nothing expected. */
export function expectedF1({ tp, predicted, gold }: Expected): number {
  return Math.min(1, prf({ tp, fp: predicted - tp, fn: gold - tp }).f1);
}

/** What gold tags could have counted, once: as if every claim came true as often as it says. */
export function drawCounts({ spans, starts }: Chances, generator: Random): Counts {
  let [tp, gold] = [0, 0];
  starts.forEach((start, word) => {
    const right = spans.get(word) ?? 0;
    const isRight = generator.next() < right;
    // where the predicted span is wrong, another may begin
    const isOther = generator.next() < (right >= 1 ? 0 : Math.max(0, start - right) / (1 - right));
    if (isRight) tp++;
    if (isRight || isOther) gold++;
  });
  return { tp, fp: spans.size - tp, fn: gold - tp };
}

/** A span is as likely as its words' tags together, and that it ends where it does. */
function logitsOf({ probs, predicted }: Tagged, { tags, labels }: LabelSet, temperature: number): { spans: { span: WordSpan; logit: number }[]; starts: number[] } {
  const calibrated = applyTemperature(probs, tags.length, temperature);
  const at = (word: number, tag: string): number => calibrated[word * tags.length + tags.indexOf(tag)] ?? 0;
  const spans = spansOfTags(predicted).map((span) => {
    let chance = span.wordEnd < predicted.length ? 1 - at(span.wordEnd, `I-${span.label}`) : 1;
    for (let word = span.wordStart; word < span.wordEnd; word++) chance *= at(word, predicted[word] ?? 'O');
    return { span, logit: logitOf(chance) };
  });
  const starts = predicted.map((_, word) => logitOf(labels.reduce((sum, label) => sum + at(word, `B-${label}`), 0)));
  return { spans, starts };
}

function keyOf({ wordStart, wordEnd, label }: WordSpan): string {
  return `${wordStart} ${wordEnd} ${label}`;
}
