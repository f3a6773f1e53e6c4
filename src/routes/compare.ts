/** Runs side by side. */
import type { Comparison } from '../schemas/result.ts';
import type { RunRecord } from '../store/runs.ts';

export function compareRuns({ runs, scores, baseline, split, languages }: {
  runs: readonly RunRecord[];
  /** Of one split; several datasets of a language are averaged. */
  scores: readonly { runId: string; language: string; f1: number }[];
  baseline: string;
  split: string;
  languages: readonly string[] | undefined;
}): Comparison {
  const shown = languages ?? [...new Set(scores.map(({ language }) => language))].sort();
  const f1Of = (runId: string, language: string): number | null => mean(scores.filter((score) => score.runId === runId && score.language === language).map(({ f1 }) => f1));
  const optionNames = [...new Set(runs.flatMap(({ options }) => Object.keys(options)))];
  const valuesOf = (name: string): [string, unknown][] => runs.map(({ runId, options }) => [runId, (options as Record<string, unknown>)[name] ?? null]);
  const differing = optionNames.filter((name) => new Set(valuesOf(name).map(([, value]) => JSON.stringify(value))).size > 1);
  return {
    baseline,
    split,
    languages: [...shown],
    runs: runs.map(({ runId, name, kind }) => {
      const f1 = Object.fromEntries(shown.map((language) => [language, f1Of(runId, language)]));
      const difference = Object.fromEntries(shown.map((language) => [language, minus(f1[language] ?? null, f1Of(baseline, language))]));
      return { runId, name, kind, f1, difference, mean: mean(Object.values(f1).filter((value) => value !== null)) };
    }),
    options: Object.fromEntries(differing.map((name) => [name, Object.fromEntries(valuesOf(name))])),
  };
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0) / values.length;
}

function minus(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}
