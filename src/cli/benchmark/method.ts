/** `mtmt benchmark method`: every ablation of the method on a folder of corpora, through the service's own runs, and a report. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig, type Config } from '../../config.ts';
import { findEncoder, type InstalledEncoder } from '../../encoders/registry.ts';
import type { RequestedOptions } from '../../schemas/options.ts';
import { parseBudget } from '../../study/budget.ts';
import { planStudy, type StudyDataset, type StudyRequest } from '../../study/plan.ts';
import { summaryOf } from '../../study/report.ts';
import { SYSTEM_IDS } from '../../study/systems.ts';
import type { ApiClient, Upload } from '../client/api.ts';
import { CommandFailure, sayingFailures } from '../client/failure.ts';
import { duration } from '../client/progress.ts';
import { chosenSets, setsOfFolder, targetsOf } from '../client/sets.ts';
import { terminal, type Output } from '../client/terminal.ts';
import { withService } from '../client/with-service.ts';
import { corpusSize } from './corpus-size.ts';
import { commitOfCode } from './machine.ts';
import { compareOf, gather, systemTags, write } from './method-report.ts';
import { runStudy } from './study.ts';

const DEFAULT_OUT = 'mtmt-report';
const DEFAULT_SEEDS = 3;
const EXPERIMENT = 'method';
const HYPOTHESIS = 'Each ingredient of the method (similarity, alpha, beta, gamma) brings its student further from direct transfer, on languages without labels.';
/** The products in half precision; all else is the service's default. */
const OPTIONS: RequestedOptions = { precision: 'bfloat16' };
/** Enough to tell speeds apart by a few percent. */
const TIMED_STEPS = 60;

const HELP = `Usage: mtmt benchmark method --data DIR [options]

Trains, for each seed, a recognizer, an evaluator and a student for every ablation, and writes report.md, report.json and figures. A second start
reuses what has succeeded and goes on with the rest.

  --data DIR              <lang>/{train,dev,test}.conll and <lang>/unlabeled.txt (a word a line, blank lines between sentences)
  --languages LIST        only these target languages: es,nl
  --encoder ID            default: the configured one
  --seeds N               of teachers and students (default ${DEFAULT_SEEDS})
  --systems LIST          beside direct transfer, of ${SYSTEM_IDS.slice(1).join(', ')} (default: all but
                          article, whose teacher is one encoder for both tasks, rounds, whose recognizer is the student of agreement, and
                          ensemble, which learns from the teachers of all seeds)
  --budget TIME           ends politely then, with a report of what there is: 2h, 90m, 1h30m
  --schedule authors      measures computation for each distilled word, too, against one word of each encoded sentence
  --options JSON          of all runs, as in POST /runs (default ${JSON.stringify(OPTIONS)})
  --student-options JSON  of the students alone, before those
  --experiment NAME       in the store (default ${EXPERIMENT})
  --out DIR               of the report (default ./${DEFAULT_OUT})
`;

interface Flags {
  readonly data: string;
  readonly languages: readonly string[] | null;
  readonly encoder: string | undefined;
  readonly seeds: number;
  readonly systems: readonly string[] | null;
  readonly budgetSeconds: number | null;
  readonly isTimed: boolean;
  readonly options: RequestedOptions;
  readonly studentOptions: RequestedOptions;
  readonly experiment: string;
  readonly out: string;
  readonly command: string;
}

export async function run(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: { data: text, languages: text, encoder: text, seeds: text, systems: text, budget: text, schedule: text, options: text, 'student-options': text, experiment: text, out: text, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const { data, languages, encoder, schedule, experiment = EXPERIMENT, out = DEFAULT_OUT } = values;
  return sayingFailures(async () => {
    if (data === undefined) throw new CommandFailure('--data DIR is missing: a folder of corpora (--help says more)');
    if (schedule !== undefined && schedule !== 'authors') throw new CommandFailure(`--schedule is "${schedule}", expected authors`);
    const seeds = wholeNumber(values.seeds, DEFAULT_SEEDS);
    const flags: Flags = {
      data,
      languages: namesOf(languages),
      encoder,
      seeds,
      systems: knownSystems(namesOf(values.systems), seeds),
      budgetSeconds: budgetOf(values.budget),
      isTimed: schedule === 'authors',
      options: { ...OPTIONS, ...json('options', values.options) },
      studentOptions: json('student-options', values['student-options']),
      experiment,
      out: resolve(out),
      command: `mtmt benchmark method ${args.map(quoted).join(' ')}`,
    };
    return method(flags, loadConfig(), terminal());
  });
}

async function method(flags: Flags, config: Config, output: Output): Promise<number> {
  const beganAt = performance.now();
  const sets = chosenSets(await setsOfFolder(flags.data), flags.languages);
  const encoder = await findEncoder(config.encodersDir, flags.encoder ?? config.defaultEncoder);
  return withService({ config, output }, async ({ client, signal }) => {
    const request = await requestOf(client, flags, { sets, encoder, output });
    const { systems, runs } = planStudy(request);
    await client.ensureExperiment(flags.experiment, HYPOTHESIS);
    const spentSeconds = (performance.now() - beganAt) / 1000;
    const budgetSeconds = flags.budgetSeconds === null ? null : Math.max(0, flags.budgetSeconds - spentSeconds);
    const outcome = await runStudy(client, { experiment: flags.experiment, encoder: encoder.encoderId, runs, budgetSeconds, output, signal });
    const schedules = await compareOf(outcome, () => corpusSize(targetText(sets), encoder.directory));
    const commandSeconds = (performance.now() - beganAt) / 1000;
    const facts = { command: flags.command, createdAt: new Date().toISOString(), commit: await commitOfCode(), experiment: flags.experiment, encoder, commandSeconds };
    const report = await gather(client, { request, systems, runs, outcome, schedules, facts });
    await client.tagExperiment(flags.experiment, systemTags(report));
    const file = await write(flags.out, report);
    output.line(`\n${summaryOf(report)}\n`);
    output.line(`${report.missing.length === 0 ? 'Done' : `${report.missing.length} runs are missing; the same command goes on with them. Ended`} after ${duration(commandSeconds)}: ${file}`);
    return 0;
  });
}

async function requestOf(client: ApiClient, flags: Flags, { sets, encoder, output }: { sets: readonly Upload[]; encoder: InstalledEncoder; output: Output }): Promise<StudyRequest> {
  output.line(`\nUploading ${sets.length} corpora to ${client.url}`);
  const datasets: StudyDataset[] = [];
  for (const set of sets) datasets.push(await client.upload(set));
  const { options, studentOptions, seeds, systems } = flags;
  return { datasets, encoder: encoder.encoderId, options, studentOptions, seeds, systems, timedSteps: flags.isTimed ? TIMED_STEPS : null };
}

function targetText(sets: readonly Upload[]): Upload[] {
  const targets = targetsOf(sets);
  return sets.filter(({ kind, language }) => kind === 'unlabeled' && targets.has(language));
}

function namesOf(list: string | undefined): string[] | null {
  return list?.split(',').map((name) => name.trim()) ?? null;
}

function knownSystems(names: string[] | null, seeds: number): string[] | null {
  const unknown = names?.find((name) => !SYSTEM_IDS.includes(name));
  if (unknown !== undefined) throw new CommandFailure(`--systems names "${unknown}"; there are: ${SYSTEM_IDS.join(', ')}`);
  if (names?.includes('ensemble') === true && seeds < 2) throw new CommandFailure('--systems names ensemble, the mean of all seeds’ teachers: --seeds wants 2 or more');
  return names;
}

function wholeNumber(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 100) throw new CommandFailure(`--seeds wants a whole number from 1 to 100, not "${text}"`);
  return value;
}

function budgetOf(text: string | undefined): number | null {
  const seconds = text === undefined ? null : parseBudget(text);
  if (text !== undefined && seconds === null) throw new CommandFailure(`--budget wants a time such as 2h, 90m or 1h30m, not "${text}"`);
  return seconds;
}

function json(flag: string, text: string | undefined): RequestedOptions {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value; // the service validates it
  } catch {
    // said below
  }
  throw new CommandFailure(`--${flag} wants a JSON object such as {"epochs":1}, not ${text}`);
}

/** As a shell takes it back. */
function quoted(arg: string): string {
  return /^[\w./=,:@+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`;
}
