/** The study's report: one object, which the JSON file holds whole, and its Markdown for people. */
import type { AlphaBin } from '../scoring/alpha-bins.ts';
import { PROTOCOLS } from '../scoring/protocols.ts';
import type { RequestedOptions, TrainingOptions } from '../schemas/options.ts';
import type { StudyDataset } from './plan.ts';
import type { Published } from './literature.ts';
import { estimatesText, type StudyEstimates } from './estimates.ts';
import { interval, share, signed, table } from './markdown.ts';
import type { ScheduleComparison } from './schedules.ts';
import type { Cell, Reading, SystemSummary } from './summary.ts';

export interface StudyReport {
  readonly command: string;
  readonly createdAt: string;
  /** Of the code that made the report, with `+` where files had changed; null outside of a repository. */
  readonly commit: string | null;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: { readonly processor: string; readonly cores: number; readonly memoryGiB: number; readonly devices: readonly string[] };
  readonly experiment: { readonly experimentId: string; readonly name: string };
  readonly encoder: { readonly encoderId: string; readonly digest: string };
  readonly datasets: readonly Omit<StudyDataset, 'labels'>[];
  readonly sources: readonly string[];
  readonly targets: readonly string[];
  readonly seeds: number;
  readonly options: { readonly requested: RequestedOptions; readonly requestedOfStudents: RequestedOptions; readonly recognizer: TrainingOptions; readonly evaluator: TrainingOptions | null; readonly teacher: TrainingOptions | null; readonly students: Readonly<Record<string, TrainingOptions>> };
  readonly decoding: string;
  /** The option; what chose the checkpoints is in `systems`. */
  readonly selection: string;
  readonly systems: readonly SystemSummary[];
  readonly alpha: Readonly<Record<string, readonly AlphaBin[]>>;
  readonly schedules: ScheduleComparison | null;
  readonly literature: readonly Published[];
  readonly estimates: StudyEstimates;
  readonly runs: readonly { readonly runId: string; readonly name: string; readonly kind: string; readonly seed: number; readonly seconds: number; readonly device: string | null }[];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  /** File names beside the report. */
  readonly figures: { readonly systems: string; readonly alpha: string };
  /** Of the runs, and of this start of the command. */
  readonly seconds: { readonly runs: number; readonly command: number };
}

const SELECTIONS = [...PROTOCOLS, 'last'];

export function markdownOf(report: StudyReport): string {
  const sections = [summaryOf(report), figuresOf(report), readingsOf(report), schedulesOf(report), literatureOf(report), estimatesText(report.estimates), howOf(report)];
  return `${joined(sections)}\n`;
}

/** What the command prints: the result, what is missing, F1 by system. */
export function summaryOf(report: StudyReport): string {
  return joined([headOf(report), missingOf(report), resultsOf(report)]);
}

/** What chose the checkpoints of the systems' own figures; the option where there are none yet. */
export function protocolNames({ systems, selection }: Pick<StudyReport, 'systems' | 'selection'>): string[] {
  const names = new Set(systems.flatMap(({ selections }) => selections));
  return names.size === 0 ? [selection] : [...names];
}

function joined(sections: readonly string[]): string {
  return sections.filter((section) => section !== '').join('\n\n');
}

function headOf({ encoder, sources, targets, seeds, systems, selection, decoding }: StudyReport): string {
  const whole = systems.at(-1);
  const best = whole?.targets?.gain ?? null;
  const others = Object.entries(whole?.targets?.bySelection ?? {}).filter(([name, { gain }]) => PROTOCOLS.includes(name) && gain !== null && whole?.selections.includes(name) === false);
  const otherwise = others.map(([name, reading]) => `; by \`${name}\` ${gainText(reading)}`).join('');
  const found = best === null ? '' : ` Against direct transfer, "${whole?.title}" is ${signed(best.difference)} points on the mean of the targets, 95% interval ${interval(best.ci95)}${otherwise}.`;
  const by = protocolNames({ systems, selection }).map((name) => `\`${name}\``).join(' and ');
  return `# The method, measured\n\nEntity F1 in percent (exact span and label, micro-averaged as conlleval does) of ${encoder.encoderId}, labels in ${sources.join(', ')} only, raw text of ${targets.join(', ')}; checkpoints chosen by ${by}, tags by ${decoding}, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}.${found}`;
}

function missingOf({ missing }: StudyReport): string {
  if (missing.length === 0) return '';
  return `**The study is not complete.** Missing: ${missing.map(({ name, reason }) => `${name} (${reason})`).join('; ')}. The same command goes on with what is there.`;
}

function resultsOf({ systems, sources, targets }: StudyReport): string {
  const languages = [...sources, ...targets].filter((language) => systems.some(({ byLanguage }) => byLanguage[language] !== undefined));
  const head = ['system', ...languages, 'mean of targets', 'from direct transfer', 'protocol', 'seeds', 'minutes a run'];
  const rows = systems.map(({ title, byLanguage, targets: all, selections, seeds, seconds }) => [
    title,
    ...languages.map((language) => cellText(byLanguage[language] ?? null)),
    cellText(all),
    gainText(all),
    selections.map((name) => `\`${name}\``).join(', '),
    String(seeds.length),
    seconds === null ? '' : (seconds / 60).toFixed(1),
  ]);
  const note = 'Mean ± standard deviation over seeds; in brackets the 95% interval of a paired bootstrap over sentences, direct transfer being the same seeds’ recognizers on the same sentences.';
  return joined([table(head, rows), note, targets.length < 2 ? '' : gainsByLanguage(systems, targets), protocolsOf(systems, targets)]);
}

/** Both protocols side by side, where both were scored. */
function protocolsOf(systems: readonly SystemSummary[], targets: readonly string[]): string {
  const both = systems.filter(({ targets: all }) => all !== null && PROTOCOLS.every((name) => all.bySelection[name] !== undefined));
  if (both.length === 0) return '';
  const side = (of: (name: string) => string): string[] => PROTOCOLS.map(of);
  const head = ['system', ...[...targets, 'mean of targets', 'from direct transfer'].flatMap((what) => side((name) => `${what}, \`${name}\``))];
  const rows = both.map(({ title, byLanguage, targets: all }) => [
    title,
    ...targets.flatMap((language) => side((name) => cellText(byLanguage[language]?.bySelection[name] ?? null))),
    ...side((name) => cellText(all?.bySelection[name] ?? null)),
    ...side((name) => gainText(all?.bySelection[name] ?? null)),
  ]);
  return `The same runs by both protocols. \`source-dev\`: the checkpoint is the best on dev sets of the languages with labels; \`target-dev\`: on labeled dev sets of the targets, which somebody without their labels has not got, as in most papers. Differences are from direct transfer by the same protocol.\n\n${table(head, rows)}`;
}

function gainsByLanguage(systems: readonly SystemSummary[], targets: readonly string[]): string {
  const rows = systems.map(({ title, byLanguage }) => [title, ...targets.map((language) => gainText(byLanguage[language] ?? null))]).filter((row) => row.slice(1).join('') !== '');
  if (rows.length === 0) return '';
  return table(['from direct transfer', ...targets], rows);
}

function figuresOf({ figures, alpha }: StudyReport): string {
  const systems = `![F1 by system](${figures.systems})`;
  return Object.keys(alpha).length === 0 ? systems : `${systems}\n\n![F1 of the recognizer by alpha](${figures.alpha})`;
}

/** The same runs by both decodings, and by each way to choose the checkpoint that was scored. */
function readingsOf({ systems }: StudyReport): string {
  const names = (of: (cell: Cell) => Readonly<Record<string, unknown>>): string[] => [...new Set(systems.flatMap(({ targets }) => (targets === null ? [] : Object.keys(of(targets)))))];
  const decodings = names(({ byDecoding }) => byDecoding).sort();
  const scored = names(({ bySelection }) => bySelection);
  const selections = SELECTIONS.filter((name) => scored.includes(name));
  if (decodings.length === 0) return '';
  const rows = systems.flatMap(({ title, targets }) =>
    targets === null ? [] : [[title, ...decodings.map((name) => share(targets.byDecoding[name])), ...selections.map((name) => share(targets.bySelection[name]?.mean))]],
  );
  const absent = selections.includes('target-dev') ? '' : '\n\nNo run was scored by `target-dev`, the protocol of most published figures; those here are by the protocols named.';
  return `Mean of targets by decoding and by what chose the checkpoint:\n\n${table(['system', ...decodings, ...selections.map((name) => `\`${name}\``)], rows)}${absent}`;
}

function schedulesOf({ schedules }: StudyReport): string {
  if (schedules === null) return '';
  const names = { everyWord: 'every word of an encoded batch (ours)', oneWord: 'one word of each encoded sentence (the authors’)' };
  const rows = schedules.costs.map((cost) => [
    names[cost.schedule],
    cost.piecesPerWord.toFixed(2),
    cost.secondsPerThousandWords.toFixed(2),
    cost.isMeasured ? `${Math.round(cost.piecesPerSecond)}, measured` : `${Math.round(cost.piecesPerSecond)}, taken from the other`,
  ]);
  const head = ['schedule', 'pieces encoded a distilled word', 'seconds a 1,000 distilled words', 'pieces a second'];
  return `Computation for each distilled word: the authors’ schedule takes ${schedules.timesPieces.toFixed(1)} times the pieces and ${schedules.timesSeconds.toFixed(1)} times the seconds of ours.\n\n${table(head, rows)}`;
}

function literatureOf({ literature, systems, targets, encoder }: StudyReport): string {
  const languages = [...new Set(literature.flatMap(({ f1 }) => Object.keys(f1)))];
  const published = literature.map(({ system, encoder: of, f1, isConfirmed, protocol }) => [system, of, ...languages.map((language) => f1[language]?.toFixed(2) ?? ''), protocol === undefined ? '' : `\`${protocol}\``, isConfirmed ? '' : 'unconfirmed']);
  const ours = systems.filter((system) => system.targets !== null).flatMap(({ title, byLanguage, selections }) => {
    const row = (protocols: readonly string[], readingOf: (language: string) => Reading | undefined): string[] => [`ours: ${title}`, encoder.encoderId, ...languages.map((language) => share(readingOf(language)?.mean, 2)), protocols.map((name) => `\`${name}\``).join(', '), ''];
    const others = PROTOCOLS.filter((name) => !selections.includes(name) && languages.some((language) => byLanguage[language]?.bySelection[name] !== undefined));
    return [row(selections, (language) => byLanguage[language]), ...others.map((name) => row([name], (language) => byLanguage[language]?.bySelection[name]))];
  });
  if (!languages.some((language) => targets.includes(language))) return '';
  return `Published figures on CoNLL-2002 and CoNLL-2003 beside ours; they compare where the corpora are those. Unconfirmed: not read in a file of the authors.\n\n${table(['system', 'encoder', ...languages, 'protocol', ''], [...published, ...ours])}`;
}

function howOf({ command, createdAt, commit, versions, machine, experiment, encoder, datasets, runs, seconds, options }: StudyReport): string {
  const facts = [
    `command: \`${command}\`, ${createdAt}, commit ${commit ?? 'unknown'}`,
    `machine: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB.toFixed(0)} GiB; device ${machine.devices.join(', ') || 'none'}`,
    `versions: ${Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')}`,
    `encoder: ${encoder.encoderId}, ${encoder.digest}`,
    `experiment: ${experiment.name} (${experiment.experimentId}), ${runs.length} runs of ${hours(seconds.runs)} together; this start took ${hours(seconds.command)}`,
    `options asked for: \`${JSON.stringify(options.requested)}\`, of students \`${JSON.stringify(options.requestedOfStudents)}\`; all of them are in the JSON file`,
  ];
  const rows = datasets.map(({ language, kind, split, sentences, words, digest }) => [language, kind === 'unlabeled' ? 'raw text' : split, String(sentences), String(words), `\`${digest}\``]);
  return `## How it was measured\n\n${facts.map((fact) => `- ${fact}`).join('\n')}\n\n${table(['language', 'use', 'sentences', 'words', 'digest'], rows)}`;
}

function cellText(cell: Reading | null): string {
  if (cell === null) return '';
  return cell.deviation === null ? share(cell.mean) : `${share(cell.mean)} ± ${share(cell.deviation)}`;
}

function gainText(cell: Reading | null): string {
  const gain = cell?.gain ?? null;
  return gain === null ? '' : `${signed(gain.difference)} ${interval(gain.ci95)}`;
}

function hours(seconds: number): string {
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
