/**
 * F1 on text without gold tags. Two signals are known there:
 *
 * - confidence: the F1 that is expected if the model's probabilities, calibrated on labeled source text, hold (`expected.ts`). A student is
 *   judged by its teacher's: it has learned to be sure of the very text, and how it does on the source language says little of the target;
 * - agreement: the F1 of a student's tags against its teacher's.
 *
 * Each is carried over to F1 by what it is worth on source text, as it is and made strange by degrees (`shift.ts`); no number comes from a
 * target language. Both err on the high side, because a model is too sure of itself on strange text and a student copies its teacher's
 * mistakes: the lower one stands.
 */
import { random } from '../corpora/random.ts';
import type { LabelSet } from '../text/label-set.ts';
import { chancesOf, drawCounts, expectedF1, expectedOf, fitClaims, type Chances, type ClaimScales, type Tagged, type TaggedGold } from './expected.ts';
import { bootstrapInterval } from './interval.ts';
import { addCounts, prf, scoreTags, type Counts } from './ner.ts';
import { carry, fitShift, type Level, type Shift } from './shift.ts';

/** What labeled source text says of a model: how to read its signals. */
export interface Reference {
  readonly claims: ClaimScales;
  readonly confidence: Shift;
  /** Null without a teacher. */
  readonly agreement: Shift | null;
  /** Of F1 on the source text, the model's own or a student's teacher's. */
  readonly margins: Margins;
  readonly seed: number;
}

export interface Estimate {
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
  /** Of F1. */
  readonly ci95: readonly [low: number, high: number];
  /** The signals as they are, before they are carried over; agreement is null without a teacher. */
  readonly confidence: number;
  readonly agreement: number | null;
  /** Which of them gave F1. */
  readonly method: 'confidence' | 'agreement';
  readonly sentences: number;
  readonly words: number;
}

/** Widths of a 95 % interval on both sides. */
type Margins = readonly [below: number, above: number];

export interface ReferenceText {
  readonly labels: LabelSet;
  /** Labeled text that the model was not trained on. */
  readonly source: readonly TaggedGold[];
  /** The same kind of text, made strange by degrees and tagged by the same model; without it signals are taken at their word. */
  readonly strange?: readonly (readonly TaggedGold[])[];
  /** Of resampling. */
  readonly seed: number;
}

export function fitReference({ labels, source, strange = [], seed }: ReferenceText): Reference {
  const speaker = asSpeaker(source);
  const claims = fitClaims(labels, speaker);
  const confidenceOf = (text: readonly TaggedGold[]): Level => ({ f1: f1Of(text), signal: expectedF1(expectedOf(text.map((each) => chancesOf(claims, each)))) });
  const agreements = [source, ...strange].map((text) => ({ f1: f1Of(text), signal: agreementOf(text) }));
  const [agreement, ...others] = agreements.flatMap(({ f1, signal }) => (signal === null ? [] : [{ f1, signal }]));
  return {
    claims,
    confidence: fitShift(confidenceOf(speaker), strange.map((text) => confidenceOf(asSpeaker(text)))),
    agreement: agreement === undefined ? null : fitShift(agreement, others),
    margins: marginsOf(scoreOf(speaker).perSentence, seed),
    seed,
  };
}

/**
 * The interval adds, as squares: what F1 of a labeled sample of this text would vary by, what F1 of the source text varies by, and the whole
 * correction, because how far a model misleads is hardly known better than that.
 */
export function estimateF1({ claims, seed, ...reference }: Reference, target: readonly Tagged[]): Estimate {
  const chances = target.map((sentence) => chancesOf(claims, sentence));
  const expected = expectedOf(chances);
  const confidence = expectedF1(expected);
  const agreement = agreementOf(target);
  const byConfidence = carry(reference.confidence, confidence);
  const byAgreement = reference.agreement === null || agreement === null ? Infinity : carry(reference.agreement, agreement);
  const f1 = Math.min(byConfidence, byAgreement);
  // there are as many predicted and gold spans as expected, and fewer of them are the same
  const tp = (f1 * (expected.predicted + expected.gold)) / 2;
  const shareOf = (spans: number): number => (spans === 0 ? 0 : Math.min(1, tp / spans));
  const [below, above] = sampledMargins(chances, seed);
  const correction = f1 - confidence;
  return {
    f1,
    precision: shareOf(expected.predicted),
    recall: shareOf(expected.gold),
    ci95: [Math.max(0, f1 - Math.hypot(below, reference.margins[0], correction)), Math.min(1, f1 + Math.hypot(above, reference.margins[1], correction))],
    confidence,
    agreement,
    method: byAgreement < byConfidence ? 'agreement' : 'confidence',
    sentences: target.length,
    words: target.reduce((sum, { predicted }) => sum + predicted.length, 0),
  };
}

/** The tags of the model whose distributions are given: of a student's teacher, where there is one. */
function asSpeaker(text: readonly TaggedGold[]): TaggedGold[] {
  return text.map(({ probs, predicted, teacher = predicted, gold }) => ({ probs, predicted: teacher, gold }));
}

function f1Of(text: readonly TaggedGold[]): number {
  return prf(scoreOf(text)).f1;
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
