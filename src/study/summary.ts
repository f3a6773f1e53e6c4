/** Scores of the study's runs gathered by system and language: mean and spread over seeds, and the difference from direct transfer. */
import type { Estimate } from '../schemas/estimate.ts';
import type { Score, ScoreVariant } from '../schemas/result.ts';
import type { AlphaBin } from '../scoring/alpha-bins.ts';
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
export interface Cell {
  readonly f1: readonly number[];
  readonly mean: number;
  /** Sample standard deviation; null of one seed. */
  readonly deviation: number | null;
  /** From direct transfer of the same seeds on the same sentences; null of direct transfer itself. */
  readonly gain: PairedDifference | null;
  /** Means over seeds: by decoding, with the run's own choice of the checkpoint; by selection, with the run's own decoding. */
  readonly byDecoding: Readonly<Record<string, number>>;
  readonly bySelection: Readonly<Record<string, number>>;
}

export interface SystemSummary extends Pick<System, 'systemId' | 'title'> {
  readonly seeds: readonly number[];
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
  const f1 = whole.map(({ tests }) => mean(languages.map((language) => tests.get(language)?.f1 ?? 0)));
  return {
    f1,
    mean: mean(f1),
    deviation: deviation(f1),
    gain: baseline === null ? null : gainOf(whole, baseline, languages),
    byDecoding: means(whole, languages, (score) => score.variants.filter(({ selection }) => selection === score.selection), ({ decoding }) => decoding),
    bySelection: means(whole, languages, (score) => score.variants.filter(({ decoding }) => decoding === score.decoding), ({ selection }) => selection),
  };
}

/** Of the seeds that both have; null where a test set was not counted sentence by sentence. */
function gainOf(scored: readonly SeedScores[], baseline: readonly SeedScores[], languages: readonly string[]): PairedDifference | null {
  const pairs = scored.flatMap(({ seed, tests }) => {
    const other = baseline.find((each) => each.seed === seed);
    return other === undefined ? [] : [{ system: tests, baseline: other.tests }];
  });
  const strata = languages.map((language): Stratum => {
    const counts = (of: 'system' | 'baseline'): number[][] => pairs.flatMap((pair) => ownCounts(pair[of].get(language)) ?? []);
    return { systems: counts('system'), baselines: counts('baseline') };
  });
  const isWhole = pairs.length > 0 && strata.every(({ systems, baselines }) => systems.length === pairs.length && baselines.length === pairs.length);
  return isWhole ? pairedDifference(strata, { seed: SEED }) : null;
}

/** In a list, so that none is nothing. */
function ownCounts(score: Score | undefined): [number[]] | null {
  const own = score?.variants.find(({ decoding, selection }) => decoding === score.decoding && selection === score.selection)?.sentenceCounts;
  return own === undefined ? null : [own];
}

/** Names that every seed and language has. */
function means(scored: readonly SeedScores[], languages: readonly string[], variantsOf: (score: Score) => ScoreVariant[], nameOf: (variant: ScoreVariant) => string): Record<string, number> {
  const lists = scored.flatMap(({ tests }) => languages.map((language) => { const score = tests.get(language); return score === undefined ? [] : variantsOf(score); }));
  const names = [...new Set(lists.flat().map(nameOf))].sort();
  return Object.fromEntries(
    names.flatMap((name): [string, number][] => {
      const values = lists.flatMap((list) => list.filter((variant) => nameOf(variant) === name).map(({ f1 }) => f1));
      return values.length === lists.length ? [[name, mean(values)]] : [];
    }),
  );
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of a sample: divided by one less than its size. */
export function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const center = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1));
}
