/**
 * F1 on text without gold tags: the F1 that is expected if the model's probabilities, calibrated on labeled source text, hold (`expected.ts`),
 * lowered by how much further F1 falls than they do on source text made strange by degrees (`shift.ts`). No number comes from a target language.
 *
 * A student is judged by the mean of its probabilities and its teacher's: by the teacher's alone all that it does better would be a mistake, and
 * its own are sure of the very text that it learned from.
 */
import { random } from '../corpora/random.ts';
import type { LabelSet } from '../text/label-set.ts';
import { chancesOf, drawCounts, expectedF1, expectedOf, fitClaims, type Chances, type ClaimScales, type Tagged, type TaggedGold } from './expected.ts';
import { bootstrapInterval } from './interval.ts';
import { addCounts, prf, scoreTags, type Counts } from './ner.ts';
import { carry, fitShift, type Level, type Shift } from './shift.ts';

/** What labeled source text says of a model: how to read its probabilities. */
export interface Reference {
  readonly claims: ClaimScales;
  readonly confidence: Shift;
  /** Of F1 on the source text. */
  readonly margins: Margins;
  readonly seed: number;
}

export interface Estimate {
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
  /** Of F1. */
  readonly ci95: readonly [low: number, high: number];
  /** F1 by the probabilities' word. */
  readonly confidence: number;
  /** F1 of a student's tags against its teacher's; null without a teacher. */
  readonly agreement: number | null;
  readonly sentences: number;
  readonly words: number;
}

/** Widths of a 95 % interval on both sides. */
type Margins = readonly [below: number, above: number];

export interface ReferenceText {
  readonly labels: LabelSet;
  /** Labeled text that the model was not trained on. */
  readonly source: readonly TaggedGold[];
  /** The same kind of text, made strange by degrees and tagged by the same model; without it probabilities are taken at their word. */
  readonly strange?: readonly (readonly TaggedGold[])[];
  /** Of resampling. */
  readonly seed: number;
}

export function fitReference({ labels, source, strange = [], seed }: ReferenceText): Reference {
  const claims = fitClaims(labels, source);
  const levelOf = (text: readonly TaggedGold[]): Level => ({ f1: prf(scoreOf(text)).f1, signal: expectedF1(expectedOf(text.map((each) => chancesOf(claims, each)))) });
  return { claims, confidence: fitShift(levelOf(source), strange.map(levelOf)), margins: marginsOf(scoreOf(source).perSentence, seed), seed };
}

/**
 * The interval adds, as squares: what F1 of a labeled sample of this text would vary by, what F1 of the source text varies by, and the whole
 * correction, because how far a model misleads is hardly known better than that.
 */
export function estimateF1({ claims, seed, margins, confidence: shift }: Reference, target: readonly Tagged[]): Estimate {
  const chances = target.map((sentence) => chancesOf(claims, sentence));
  const expected = expectedOf(chances);
  const confidence = expectedF1(expected);
  const f1 = carry(shift, confidence);
  // there are as many predicted and gold spans as expected, and fewer of them are the same
  const tp = (f1 * (expected.predicted + expected.gold)) / 2;
  const shareOf = (spans: number): number => (spans === 0 ? 0 : Math.min(1, tp / spans));
  const [below, above] = sampledMargins(chances, seed);
  const correction = f1 - confidence;
  return {
    f1,
    precision: shareOf(expected.predicted),
    recall: shareOf(expected.gold),
    ci95: [Math.max(0, f1 - Math.hypot(below, margins[0], correction)), Math.min(1, f1 + Math.hypot(above, margins[1], correction))],
    confidence,
    agreement: agreementOf(target),
    sentences: target.length,
    words: target.reduce((sum, { predicted }) => sum + predicted.length, 0),
  };
}

/** Null unless every sentence has a teacher's tags, and where there is no sentence. */
function agreementOf(text: readonly Tagged[]): number | null {
  const teacher = text.flatMap(({ teacher: tags }) => (tags === undefined ? [] : [tags]));
  if (teacher.length === 0 || teacher.length < text.length) return null;
  return prf(scoreTags(teacher, text.map(({ predicted }) => predicted))).f1;
}

function scoreOf(text: readonly TaggedGold[]): ReturnType<typeof scoreTags> {
  return scoreTags(text.map(({ gold }) => gold), text.map(({ predicted }) => predicted));
}

function sampledMargins(chances: readonly Chances[], seed: number): Margins {
  const generator = random(seed);
  return marginsOf(chances.map((each) => drawCounts(each, generator)), seed);
}

function marginsOf(perSentence: readonly Counts[], seed: number): Margins {
  const { f1 } = prf(perSentence.reduce(addCounts, { tp: 0, fp: 0, fn: 0 }));
  const [low, high] = bootstrapInterval(perSentence, { seed });
  return [f1 - low, high - f1];
}
