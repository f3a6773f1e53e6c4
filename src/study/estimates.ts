/** F1 that the study's runs estimate on raw text of the targets, beside their F1 on labeled test sets: how far such an estimate is to be trusted. */
import type { Estimate } from '../schemas/estimate.ts';
import { mean } from '../scoring/mean.ts';
import { share, signed, table } from './markdown.ts';
import type { FinishedRun } from './summary.ts';
import type { System } from './systems.ts';

/** F1 is 0 to 1. */
export interface EstimateRow extends Pick<Estimate, 'language' | 'f1' | 'sentences'> {
  readonly systemId: string;
  readonly title: string;
  readonly seed: number;
  readonly runId: string;
  readonly ci95: readonly number[];
  /** On the language's test sets; null where there are none, and so are those below. */
  readonly truth: number | null;
  /** The estimate minus the truth. */
  readonly error: number | null;
  readonly holdsTruth: boolean | null;
}

/** Of the estimates that have a truth beside them; shares are 0 to 1. */
export interface EstimateErrors {
  readonly count: number;
  readonly meanAbsolute: number;
  /** Positive: too high. */
  readonly mean: number;
  /** Whose interval holds the truth. */
  readonly holding: number;
}

export interface StudyEstimates {
  /** By system, seed and language. */
  readonly rows: readonly EstimateRow[];
  /** By system id; a system without a truth is not among them. */
  readonly errors: Readonly<Record<string, EstimateErrors>>;
  readonly all: EstimateErrors | null;
  /** Runs of a system that gave none. */
  readonly without: number;
}

export function estimatesOf(systems: readonly Pick<System, 'systemId' | 'title'>[], runs: readonly FinishedRun[]): StudyEstimates {
  const scored = runs.filter(({ systemId }) => systems.some((system) => system.systemId === systemId));
  const rows = systems.flatMap(({ systemId, title }) =>
    scored.filter((run) => run.systemId === systemId).sort((a, b) => a.seed - b.seed).flatMap((run) => run.estimates.map((estimate) => rowOf(estimate, { systemId, title, seed: run.seed, runId: run.runId }))),
  );
  const errors = systems.flatMap(({ systemId }): [string, EstimateErrors][] => {
    const found = errorsOf(rows.filter((row) => row.systemId === systemId));
    return found === null ? [] : [[systemId, found]];
  });
  return { rows, errors: Object.fromEntries(errors), all: errorsOf(rows), without: scored.filter(({ estimates }) => estimates.length === 0).length };
}

/** Empty before the first run of a system. */
export function estimatesText({ rows, errors, all, without }: StudyEstimates): string {
  if (rows.length === 0 && without === 0) return '';
  const title = '## F1 without gold tags';
  if (rows.length === 0) return `${title}\n\nNo run has estimated its F1 on raw text: that takes a labeled dev set of a source language.`;
  const head = 'Each run estimates its F1 on raw text of the targets, by what labeled dev text of the sources says of it. Errors are the estimate minus test F1, in points.';
  const found = all === null ? ' No target has a test set to compare with.' : ` Mean absolute error: ${share(all.meanAbsolute)} over ${all.count} of them; ${all.holding} of their 95% intervals hold the test F1.`;
  const absent = without === 0 ? '' : ` Runs without an estimate: ${without}.`;
  return [`${title}\n\n${head}${found}${absent}`, errorsTable(rows, errors), rowsTable(rows)].filter((part) => part !== '').join('\n\n');
}

function errorsTable(rows: readonly EstimateRow[], errors: StudyEstimates['errors']): string {
  const titles = new Map(rows.map(({ systemId, title }) => [systemId, title]));
  const lines = Object.entries(errors).map(([systemId, { count, meanAbsolute, mean: bias, holding }]) => [titles.get(systemId) ?? systemId, String(count), share(meanAbsolute), signed(bias), `${holding} of ${count}`]);
  return lines.length === 0 ? '' : table(['system', 'estimates', 'mean absolute error', 'mean error', 'intervals that hold test F1'], lines);
}

function rowsTable(rows: readonly EstimateRow[]): string {
  const lines = rows.map(({ title, seed, language, f1, ci95, truth, error }) => [
    title,
    String(seed),
    language,
    share(f1),
    `[${ci95.map((end) => share(end)).join(', ')}]`,
    truth === null ? '' : share(truth),
    error === null ? '' : signed(error),
  ]);
  return table(['system', 'seed', 'language', 'estimated F1', '95% interval', 'test F1', 'error'], lines);
}

function rowOf({ language, f1, sentences, ci95, truth }: Estimate, { systemId, title, seed, runId }: Pick<EstimateRow, 'systemId' | 'title' | 'seed' | 'runId'>): EstimateRow {
  const [low = 0, high = 1] = ci95;
  const known = truth === null ? { truth: null, error: null, holdsTruth: null } : { truth: truth.f1, error: truth.error, holdsTruth: low <= truth.f1 && truth.f1 <= high };
  return { systemId, title, seed, runId, language, f1, ci95, sentences, ...known };
}

function errorsOf(rows: readonly EstimateRow[]): EstimateErrors | null {
  const errors = rows.flatMap(({ error }) => (error === null ? [] : [error]));
  if (errors.length === 0) return null;
  const holding = rows.filter(({ holdsTruth }) => holdsTruth === true).length;
  return { count: errors.length, meanAbsolute: mean(errors.map(Math.abs)), mean: mean(errors), holding };
}
