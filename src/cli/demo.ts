/** `npm run demo`: the service, then the main job through its HTTP API. */
import { parseArgs } from 'node:util';
import { loadConfig, type Config } from '../config.ts';
import { DEMO_OPTIONS, DEMO_STUDENT_OPTIONS } from '../demo/options.ts';
import { CommandFailure, sayingFailures } from './client/failure.ts';
import { mainJob } from './demo/job.ts';
import { duration } from './client/progress.ts';
import { chosenSets, setsOfFolder } from './client/sets.ts';
import { terminal, type Output } from './client/terminal.ts';
import { withService } from './client/with-service.ts';
import { ownSets } from './demo/own-sets.ts';

/** Sentences of each file of the user's own. */
const DEFAULT_MAX_TRAIN = 2000;
const HELP = `Usage: mtmt demo [--exit] [--data DIR] [--languages LIST] [--max-train N] [--yes]

Trains two teachers and a student with the project's own small corpora, prints F1 by language, tags text, and leaves the service running.
  --exit            end the service when done
  --data DIR        your own files: <lang>/{train,dev,test}.conll and <lang>/unlabeled.txt (a word a line, blank lines between sentences)
  --languages LIST  only these target languages: es,nl
  --max-train N     train on at most N sentences of each file (default: all, with --data ${DEFAULT_MAX_TRAIN})
  --yes             for scripts: the demo asks nothing
`;

interface Flags {
  readonly data: string | undefined;
  readonly languages: readonly string[] | null;
  readonly maxTrain: number | null;
  readonly isLeaving: boolean;
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      exit: { type: 'boolean', default: false },
      data: { type: 'string' },
      languages: { type: 'string' },
      'max-train': { type: 'string' },
      yes: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  return sayingFailures(async () => {
    const { data, exit: isLeaving } = values;
    const languages = values.languages?.split(',').map((language) => language.trim()) ?? null;
    const maxTrain = values['max-train'] === undefined ? (data === undefined ? null : DEFAULT_MAX_TRAIN) : wholeNumber(values['max-train']);
    return demo({ data, languages, maxTrain, isLeaving }, loadConfig(), terminal());
  });
}

async function demo({ data, languages, maxTrain, isLeaving }: Flags, config: Config, output: Output): Promise<number> {
  const beganAt = performance.now();
  const sets = chosenSets(data === undefined ? ownSets() : await setsOfFolder(data), languages);
  const options = { ...DEMO_OPTIONS, ...(maxTrain !== null && { maxTrainSentences: maxTrain }) };
  return withService({ config, output }, async ({ client, isJoined, signal }) => {
    await mainJob(client, { sets, options, studentOptions: DEMO_STUDENT_OPTIONS, encoder: config.defaultEncoder, isOwnData: data === undefined, output, signal });
    output.line(`\nDone in ${duration((performance.now() - beganAt) / 1000)}.`);
    if (isJoined) output.line('The service ran before, and goes on.');
    else if (!isLeaving) {
      output.line('The service goes on until you press Ctrl-C.');
      await aborted(signal);
      output.line('\nEnding the service …');
    }
    return 0;
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new CommandFailure(`--max-train wants a whole number from 1, not "${text}"`);
  return value;
}
