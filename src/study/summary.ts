/** Scores of the study's runs gathered by system and language: mean and spread over seeds, and the difference from direct transfer. */
import type { Estimate } from '../schemas/estimate.ts';
import type { Score, ScoreVariant } from '../schemas/result.ts';
import type { AlphaBin } from '../scoring/alpha-bins.ts';
import { mean } from '../scoring/mean.ts';
import { pairedDifference, type PairedDifference, type Stratum } from '../scoring/paired.ts';
import { TRANSFER, type System } from './systems.ts';

/** Of the bootstrap: fixed, so that a report made again says the same. */
const SEED = 20_220;

export interface FinishedRun {
  readonly runId: string;
  readonly name: string;
  readonly kind: string;
  readonly systemId: string | null;
  readonly seed: number;
  readonly device: string | null;
  /** From its start to its end, scoring included. */
  readonly seconds: number;
  /** With details. */
  readonly scores: readonly Score[];
  readonly estimates: readonly Estimate[];
}

/** F1 is 0 to 1; a list has one number a seed. */
export interface Reading {
  readonly f1: readonly number[];
  readonly mean: number;
  /** Sample standard deviation; null of one seed. */
  readonly deviation: number | null;
  /** From direct transfer of the same seeds on the same sentences, read in the same way; null of direct transfer itself. */
  readonly gain: PairedDifference | null;
}

/** By the runs' own decoding and choice of the checkpoint. */
export interface Cell extends Reading {
  /** Means over seeds, with the runs' own choice of the checkpoint. */
  readonly byDecoding: Readonly<Record<string, number>>;
  /** By what chose the checkpoint (source-dev, target-dev, last), with the runs' own decoding; those that every seed has. */
  readonly bySelection: Readonly<Record<string, Reading>>;
}

export interface SystemSummary extends Pick<System, 'systemId' | 'title'> {
  readonly seeds: readonly number[];
  /** What chose the checkpoints of its own figures: of one name, unless its runs differ. */
  readonly selections: readonly string[];
  readonly byLanguage: Readonly<Record<string, Cell>>;
  /** Of the target languages that were scored; of the seeds that have all of them. */
  readonly targets: Cell | null;
  /** Mean over seeds; null where no run has ended. */
  readonly seconds: number | null;
}

type Tests = ReadonlyMap<string, Score>;
interface SeedScores {
  readonly seed: number;
  readonly tests: Tests;
}

export function summarize({ systems, runs, languages, targets }: { systems: readonly System[]; runs: readonly FinishedRun[]; languages: readonly string[]; targets: readonly string[] }): SystemSummary[] {
  const bySeed = (systemId: string): SeedScores[] => runs.filter((run) => run.systemId === systemId).map(({ seed, scores }) => ({ seed, tests: testsOf(scores) }));
  const transfer = bySeed(TRANSFER);
  return systems.map(({ systemId, title }) => {
    const scored = bySeed(systemId);
    const baseline = systemId === TRANSFER ? null : transfer;
    const cells = languages.flatMap((language): [string, Cell][] => {
      const cell = cellOf(scored, baseline, [language]);
      return cell === null ? [] : [[language, cell]];
    });
    const measured = targets.filter((language) => scored.some(({ tests }) => tests.has(language)));
    const seconds = runs.filter((run) => run.systemId === systemId).map((run) => run.seconds);
    return {
      systemId,
      title,
      seeds: scored.map(({ seed }) => seed),
      selections: [...new Set(scored.flatMap(({ tests }) => [...tests.values()].map(({ selection }) => selection)))],
      byLanguage: Object.fromEntries(cells),
      targets: measured.length === 0 ? null : cellOf(scored, baseline, measured),
      seconds: seconds.length === 0 ? null : mean(seconds),
    };
  });
}

/** How right direct transfer is by alpha, all seeds together, by target language. */
export function alphaByLanguage(runs: readonly FinishedRun[], targets: readonly string[]): Record<string, AlphaBin[]> {
  const found = targets.flatMap((language): [string, AlphaBin[]][] => {
    const lists = runs.filter(({ systemId }) => systemId === TRANSFER).flatMap(({ scores }) => {
      const score = testsOf(scores).get(language);
      const bins = score?.variants.find(({ decoding, selection }) => decoding === 'argmax' && selection === score.selection)?.alphaBins;
      return bins === undefined ? [] : [bins];
    });
    const [first] = lists;
    if (first === undefined) return [];
    return [[language, first.map((_, bin) => lists.map((bins) => bins[bin] ?? NOTHING).reduce(addBins))]];
  });
  return Object.fromEntries(found);
}

const NOTHING: AlphaBin = { words: 0, tp: 0, fp: 0, fn: 0 };

function addBins(a: AlphaBin, b: AlphaBin): AlphaBin {
  return { words: a.words + b.words, tp: a.tp + b.tp, fp: a.fp + b.fp, fn: a.fn + b.fn };
}

function testsOf(scores: readonly Score[]): Tests {
  return new Map(scores.filter(({ split, scorer }) => split === 'test' && scorer === 'conlleval').map((score) => [score.language, score]));
}

/** The mean over `languages`, of the seeds that were scored on all of them; null where there is none. */
function cellOf(scored: readonly SeedScores[], baseline: readonly SeedScores[] | null, languages: readonly string[]): Cell | null {
  const whole = scored.filter(({ tests }) => languages.every((language) => tests.has(language)));
  if (whole.length === 0) return null;
  const scores = whole.flatMap(({ tests }) => languages.flatMap((language) => tests.get(language) ?? []));
  const selections = namesOfAll(scores.map((score) => score.variants.filter(({ decoding }) => decoding === score.decoding).map(({ selection }) => selection)));
  return {
    ...readingOf(whole, baseline, { languages, selection: null }),
    byDecoding: decodingsOf(scores),
    bySelection: Object.fromEntries(selections.map((selection) => [selection, readingOf(whole, baseline, { languages, selection })])),
  };
}

/** What chose the checkpoint; null: the run's own choice. */
type ReadBy = string | null;

function readingOf(whole: readonly SeedScores[], baseline: readonly SeedScores[] | null, { languages, selection }: { languages: readonly string[]; selection: ReadBy }): Reading {
  const f1Of = (score: Score | undefined): number => (selection === null ? score?.f1 : variantOf(score, selection)?.f1) ?? 0;
  const f1 = whole.map(({ tests }) => mean(languages.map((language) => f1Of(tests.get(language)))));
  return { f1, mean: mean(f1), deviation: deviation(f1), gain: baseline === null ? null : gainOf(whole, baseline, { languages, selection }) };
}

/** Of the seeds that both have; null where a test set was not counted sentence by sentence. */
function gainOf(scored: readonly SeedScores[], baseline: readonly SeedScores[], { languages, selection }: { languages: readonly string[]; selection: ReadBy }): PairedDifference | null {
  const pairs = scored.flatMap(({ seed, tests }) => {
    const other = baseline.find((each) => each.seed === seed);
    return other === undefined ? [] : [{ system: tests, baseline: other.tests }];
  });
  const strata = languages.map((language): Stratum => {
    // in a list, so that none is nothing
    const counts = (of: 'system' | 'baseline'): number[][] => pairs.flatMap((pair) => {
      const counted = variantOf(pair[of].get(language), selection)?.sentenceCounts;
      return counted === undefined ? [] : [counted];
    });
    return { systems: counts('system'), baselines: counts('baseline') };
  });
  const isWhole = pairs.length > 0 && strata.every(({ systems, baselines }) => systems.length === pairs.length && baselines.length === pairs.length);
  return isWhole ? pairedDifference(strata, { seed: SEED }) : null;
}

/** By the run's own decoding. */
function variantOf(score: Score | undefined, selection: ReadBy): ScoreVariant | undefined {
  return score?.variants.find((variant) => variant.decoding === score.decoding && variant.selection === (selection ?? score.selection));
}

/** Means by the run's own choice of the checkpoint. */
function decodingsOf(scores: readonly Score[]): Record<string, number> {
  const own = scores.map((score) => score.variants.filter(({ selection }) => selection === score.selection));
  const names = namesOfAll(own.map((variants) => variants.map(({ decoding }) => decoding)));
  return Object.fromEntries(names.map((name) => [name, mean(own.flatMap((variants) => variants.filter(({ decoding }) => decoding === name).map(({ f1 }) => f1)))]));
}

/** Those that are in every list. */
function namesOfAll(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())].filter((name) => lists.every((list) => list.includes(name))).sort();
}

/** Of a sample: divided by one less than its size. */
export function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1));
}
