/** Entity scores as conlleval counts them: exact span and label, micro-averaged. */
import { spansOfTags } from '../text/bio.ts';

/** Counts add up; precision, recall and F1 are derived. */
export interface Counts {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
}

export interface NerScore extends Counts {
  readonly sentences: number;
  readonly words: number;
  readonly labels: Readonly<Record<string, Counts>>;
  /** For the bootstrap. */
  readonly perSentence: readonly Counts[];
}

type Tally = { -readonly [K in keyof Counts]: number };

/** @param gold, predicted tags of the same sentences, in any order of well- or ill-formedness */
export function scoreTags(gold: readonly (readonly string[])[], predicted: readonly (readonly string[])[]): NerScore {
  const labels = new Map<string, Tally>();
  const of = (label: string): Tally => {
    const known = labels.get(label);
    if (known !== undefined) return known;
    const fresh = { tp: 0, fp: 0, fn: 0 };
    labels.set(label, fresh);
    return fresh;
  };
  const perSentence = gold.map((tags, index) => {
    const tally: Tally = { tp: 0, fp: 0, fn: 0 };
    const count = (label: string, what: keyof Counts): void => {
      tally[what]++;
      of(label)[what]++;
    };
    const wanted = new Map(spansOfTags(tags).map((span) => [keyOf(span), span.label]));
    for (const span of spansOfTags(predicted[index] ?? [])) count(span.label, wanted.delete(keyOf(span)) ? 'tp' : 'fp');
    for (const label of wanted.values()) count(label, 'fn');
    return tally;
  });
  const sum = perSentence.reduce<Counts>(addCounts, { tp: 0, fp: 0, fn: 0 });
  const words = gold.reduce((total, tags) => total + tags.length, 0);
  const sorted = Object.fromEntries([...labels].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { ...sum, sentences: gold.length, words, labels: sorted, perSentence };
}

export function addCounts(a: Counts, b: Counts): Counts {
  return { tp: a.tp + b.tp, fp: a.fp + b.fp, fn: a.fn + b.fn };
}

/** Each in [0, 1]; what divides by zero is 0, as conlleval prints it. */
export function prf({ tp, fp, fn }: Counts): { precision: number; recall: number; f1: number } {
  const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  return { precision: ratio(tp, tp + fp), recall: ratio(tp, tp + fn), f1: ratio(2 * tp, 2 * tp + fp + fn) };
}

function keyOf({ wordStart, wordEnd, label }: { wordStart: number; wordEnd: number; label: string }): string {
  return `${wordStart} ${wordEnd} ${label}`;
}
