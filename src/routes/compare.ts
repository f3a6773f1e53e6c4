/** Runs side by side. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Comparison } from '../schemas/result.ts';
import { prf } from '../scoring/ner.ts';
import { pairedDifference } from '../scoring/paired.ts';
import type { RunRecord } from '../store/runs.ts';
import type { DetailedVariant, ScoreRecord } from '../store/scores.ts';

/** Of the bootstrap: fixed, so that the same question has the same answer. */
const SEED = 20_220;

/** A run's F1 on one dataset, by its own decoding and choice of the checkpoint. */
export interface ComparedScore {
  readonly runId: string;
  readonly datasetId: string;
  readonly language: string;
  /** What chose the checkpoint. */
  readonly selection: string;
  /** 0 to 1 */
  readonly f1: number;
  /** tp, fp, fn of each sentence; null for pairs, and for runs from before they were kept */
  readonly sentenceCounts: readonly number[] | null;
}

export function comparable(rows: readonly ScoreRecord[], variants: readonly DetailedVariant[]): ComparedScore[] {
  return rows
    .filter(({ label }) => label === '')
    .map(({ runId, datasetId, language, selection, decoding, ...counts }) => {
      const own = variants.find((each) => each.runId === runId && each.datasetId === datasetId && each.selection === selection && each.decoding === decoding);
      return { runId, datasetId, language, selection, f1: prf(counts).f1, sentenceCounts: own?.sentenceCounts ?? null };
    });
}

/** Several datasets of a language are averaged. */
export async function compareRuns({ runs, scores, baseline, split, languages }: {
  runs: readonly RunRecord[];
  /** Of one split. */
  scores: readonly ComparedScore[];
  baseline: string;
  split: string;
  languages: readonly string[] | undefined;
}): Promise<Comparison> {
  const shown = languages ?? [...new Set(scores.map(({ language }) => language))].sort();
  const of = (runId: string, language: string): ComparedScore[] => scores.filter((score) => score.runId === runId && score.language === language);
  const f1Of = (runId: string, language: string): number | null => mean(of(runId, language).map(({ f1 }) => f1));
  const optionNames = [...new Set(runs.flatMap(({ options }) => Object.keys(options)))];
  const valuesOf = (name: string): [string, unknown][] => runs.map(({ runId, options }) => [runId, (options as Record<string, unknown>)[name] ?? null]);
  const differing = optionNames.filter((name) => new Set(valuesOf(name).map(([, value]) => JSON.stringify(value))).size > 1);
  const compared: Comparison['runs'] = [];
  for (const { runId, name, kind } of runs) {
    await breathe(); // an interval of a few thousand sentences takes some 50 ms
    const f1 = Object.fromEntries(shown.map((language) => [language, f1Of(runId, language)]));
    const difference = Object.fromEntries(shown.map((language) => [language, minus(f1[language] ?? null, f1Of(baseline, language))]));
    const ci95 = Object.fromEntries(shown.map((language) => [language, intervalOf(of(runId, language), of(baseline, language))]));
    const selections = [...new Set(shown.flatMap((language) => of(runId, language).map(({ selection }) => selection)))];
    compared.push({ runId, name, kind, selections, f1, difference, ci95, mean: mean(Object.values(f1).filter((value) => value !== null)) });
  }
  return {
    baseline,
    split,
    languages: [...shown],
    runs: compared,
    options: Object.fromEntries(differing.map((name) => [name, Object.fromEntries(valuesOf(name))])),
  };
}

/** Null unless both were counted on the same datasets, sentence by sentence. */
function intervalOf(system: readonly ComparedScore[], baseline: readonly ComparedScore[]): [number, number] | null {
  const strata = system.flatMap(({ datasetId, sentenceCounts }) => {
    const other = baseline.find((score) => score.datasetId === datasetId)?.sentenceCounts ?? null;
    return sentenceCounts === null || other === null || other.length !== sentenceCounts.length ? [] : [{ systems: [sentenceCounts], baselines: [other] }];
  });
  const isSame = strata.length > 0 && strata.length === system.length && strata.length === baseline.length;
  return isSame ? pairedDifference(strata, { seed: SEED }).ci95 : null;
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}
