/** From what the study's runs gave to its report in files and in the experiment's tags. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { languagesOf } from '../../corpora/corpus.ts';
import type { InstalledEncoder } from '../../encoders/registry.ts';
import type { TrainingOptions } from '../../schemas/options.ts';
import { estimatesOf } from '../../study/estimates.ts';
import { alphaFigure, pointFigure, type Point, type PointRow } from '../../study/figures.ts';
import { PUBLISHED } from '../../study/literature.ts';
import { resolvedOptions, type PlannedRun, type StudyRequest } from '../../study/plan.ts';
import { markdownOf, protocolNames, type StudyReport } from '../../study/report.ts';
import { compareSchedules, type CorpusSize, type ScheduleComparison } from '../../study/schedules.ts';
import { alphaByLanguage, summarize } from '../../study/summary.ts';
import type { System } from '../../study/systems.ts';
import type { ApiClient } from '../client/api.ts';
import { machineFacts } from './machine.ts';
import type { StudyOutcome } from './study.ts';

const FIGURES = { systems: 'systems.svg', alpha: 'alpha.svg' };
const REPORT = 'report.md';

export interface Facts {
  readonly command: string;
  readonly createdAt: string;
  readonly commit: string | null;
  readonly experiment: string;
  readonly encoder: InstalledEncoder;
  readonly commandSeconds: number;
}

export async function compareOf({ speeds }: StudyOutcome, size: () => Promise<CorpusSize>): Promise<ScheduleComparison | null> {
  const { everyWord, oneWord = null } = speeds;
  return everyWord === undefined ? null : compareSchedules(await size(), { everyWord, oneWord });
}

export async function gather(
  client: ApiClient,
  { request, systems, runs, outcome, schedules, facts }: { request: StudyRequest; systems: readonly System[]; runs: readonly PlannedRun[]; outcome: StudyOutcome; schedules: ScheduleComparison | null; facts: Facts },
): Promise<StudyReport> {
  const { datasets } = request;
  const { finished, missing } = outcome;
  const sources = languagesOf(datasets.filter(({ kind, split }) => kind === 'labeled' && split === 'train'));
  const targets = languagesOf(datasets.filter(({ kind, language }) => kind === 'unlabeled' && !sources.includes(language)));
  const languages = languagesOf(datasets);
  const optionsOf = (kind: PlannedRun['kind']): TrainingOptions | null => {
    const planned = runs.find((run) => run.kind === kind);
    return planned === undefined ? null : resolvedOptions(planned);
  };
  const students = runs.filter(({ kind, seed, systemId }) => kind === 'student' && seed === 1 && systemId !== null);
  const recognizer = optionsOf('recognizer') ?? resolvedOptions({ kind: 'recognizer', options: {} });
  const { experimentId } = await client.tagExperiment(facts.experiment, {});
  const first = finished[0] === undefined ? null : await client.run(finished[0].runId);
  return {
    command: facts.command,
    createdAt: facts.createdAt,
    commit: facts.commit,
    versions: first?.versions ?? { node: process.versions.node },
    machine: { ...machineFacts(), devices: [...new Set(finished.flatMap(({ device }) => device ?? []))] },
    experiment: { experimentId, name: facts.experiment },
    encoder: { encoderId: facts.encoder.encoderId, digest: facts.encoder.digest },
    datasets: datasets.map(({ datasetId, name, kind, language, split, digest, sentences, words }) => ({ datasetId, name, kind, language, split, digest, sentences, words })),
    sources,
    targets,
    seeds: request.seeds,
    options: {
      requested: request.options,
      requestedOfStudents: request.studentOptions,
      recognizer,
      evaluator: optionsOf('evaluator'),
      teacher: optionsOf('teacher'),
      students: Object.fromEntries(students.map((run) => [run.systemId ?? '', resolvedOptions(run)])),
    },
    decoding: recognizer.decoding,
    selection: recognizer.selection,
    systems: summarize({ systems, runs: finished, languages, targets }),
    alpha: alphaByLanguage(finished, targets),
    schedules,
    literature: PUBLISHED,
    estimates: estimatesOf(systems, finished),
    runs: finished.map(({ runId, name, kind, seed, seconds, device }) => ({ runId, name, kind, seed, seconds, device })),
    missing,
    figures: FIGURES,
    seconds: { runs: finished.reduce((sum, { seconds }) => sum + seconds, 0), command: facts.commandSeconds },
  };
}

/** The results in the lab book: a tag for each system, and what made them. */
export function systemTags({ systems, commit, command, createdAt, missing }: StudyReport): Record<string, string> {
  const points = (share: number): string => (100 * share).toFixed(2);
  const results = systems.flatMap(({ systemId, targets, byLanguage, selections }) => {
    if (targets === null) return [];
    const others = Object.entries(targets.bySelection).filter(([name]) => !selections.includes(name)).map(([name, { mean }]) => `; by ${name} ${points(mean)}`);
    const gain = targets.gain === null ? '' : `, from direct transfer ${points(targets.gain.difference)} [${targets.gain.ci95.map(points).join(', ')}]`;
    const each = Object.entries(byLanguage).map(([language, { mean }]) => `${language} ${points(mean)}`);
    const entry: [string, string] = [`f1 ${systemId}`, `targets ${points(targets.mean)} of ${targets.f1.length} seeds by ${selections.join(', ')}${gain}; ${each.join(', ')}${others.join('')}`];
    return [entry];
  });
  return { ...Object.fromEntries(results), commit: commit ?? 'unknown', command: command.slice(0, 1000), reportedAt: createdAt, missing: String(missing.length) };
}

/** @returns where it lies */
export async function write(directory: string, report: StudyReport): Promise<string> {
  const file = join(directory, REPORT);
  await mkdir(directory, { recursive: true });
  const chosenBy = protocolNames(report).join(', ');
  const title = `F1 by system, ${report.encoder.encoderId}, checkpoints by ${chosenBy}; lines: 95% interval of the difference from direct transfer`;
  await writeFile(join(directory, FIGURES.systems), pointFigure({ title, rows: rowsOf(report) }));
  await writeFile(join(directory, FIGURES.alpha), alphaFigure({ title: `F1 of the recognizer’s tags by alpha, ${report.encoder.encoderId}, checkpoints by ${chosenBy}`, bins: report.alpha }));
  await writeFile(join(directory, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(file, markdownOf(report));
  return file;
}

/** A difference's interval is drawn around direct transfer's F1. */
function rowsOf({ systems, targets }: StudyReport): PointRow[] {
  return systems.map(({ title, byLanguage }) => ({
    title,
    points: targets.flatMap((language): Point[] => {
      const [cell, transfer] = [byLanguage[language], systems[0]?.byLanguage[language]];
      if (cell === undefined) return [];
      const hasInterval = cell.gain !== null && transfer !== undefined;
      return [{ series: language, f1: cell.mean, interval: hasInterval ? [transfer.mean + cell.gain.ci95[0], transfer.mean + cell.gain.ci95[1]] : null }];
    }),
  }));
}
