// The command line: `mtmt <command> [arguments]`, one command a file in cli/, loaded when it is asked for.
import type { Command } from './cli/command.ts';
import { MtmtError } from './errors.ts';

const COMMANDS: Readonly<Record<string, { about: string; load: () => Promise<Command> }>> = {
  demo: { about: 'train and tag with the project\'s own small corpora, start to finish', load: () => import('./cli/demo.ts') },
  serve: { about: 'run the service: API, worker and tagger', load: () => import('./cli/serve.ts') },
  api: { about: 'run the API alone, for a fleet', load: () => import('./cli/api.ts') },
  worker: { about: 'run a worker alone, which trains, for a fleet', load: () => import('./cli/worker.ts') },
  tagger: { about: 'run a tagger alone, which tags, for a fleet', load: () => import('./cli/tagger.ts') },
  tag: { about: 'tag a file of any size, and go on where it was cut off', load: () => import('./cli/tag.ts') },
  doctor: { about: 'look at what the service needs on this machine', load: () => import('./cli/doctor.ts') },
  encoders: { about: 'list, install and verify pretrained encoders', load: () => import('./cli/encoders.ts') },
  benchmark: { about: 'time the tensor engine, or measure the method on your corpora', load: () => import('./cli/benchmark.ts') },
  export: { about: 'write a checkpoint as a folder that transformers or onnxruntime load', load: () => import('./cli/export.ts') },
  storage: { about: 'collect artifacts that nothing needs any more, or verify those that are needed', load: () => import('./cli/storage.ts') },
  migrate: { about: 'bring the database to the present schema', load: () => import('./cli/migrate.ts') },
};

// `mtmt … | head` is no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const [name = 'help', ...args] = process.argv.slice(2);
const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
if (command === undefined) {
  const isAsked = ['help', '--help', '-h'].includes(name);
  const out = isAsked ? process.stdout : process.stderr;
  if (!isAsked) out.write(`There is no command "${name}".\n\n`);
  out.write(help());
  process.exitCode = isAsked ? 0 : 2;
} else {
  process.exitCode = await (await command.load()).run(args).catch(explain);
}

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((key) => key.length));
  const lines = Object.entries(COMMANDS).map(([key, { about }]) => `  ${key.padEnd(width)}  ${about}`);
  return `Usage: mtmt <command> [arguments]\n\n${lines.join('\n')}\n\nmtmt <command> --help says more. The environment configures the service: see the README.\n`;
}

/** What is ours to say is one line; anything else is a fault of the program and shows its stack. */
function explain(error: unknown): number {
  const isUsage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (error instanceof MtmtError || isUsage) process.stderr.write(`${error.message}\n`);
  else console.error(error);
  return isUsage ? 2 : 1;
}
