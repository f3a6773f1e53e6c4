import { EventEmitter, once } from 'node:events';
import { parseArgs } from 'node:util';
import { prettyFactory } from 'pino-pretty';
import { loadConfig } from '../config.ts';
import { startService } from './service.ts';
import type { LogSink } from './service-process.ts';

const HELP = `Usage: mtmt serve [--free-ports]

Runs API, worker and tagger, and an embedded Postgres unless DATABASE_URL names one. Ends them all on Ctrl-C or SIGTERM.
  --free-ports   take other ports where PORT or the tagger's are in use
`;
/** npm, a shell and a terminal may each pass on one and the same Ctrl-C. */
const SAME_SIGNAL_MS = 1_000;

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { 'free-ports': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const config = loadConfig();
  const asked = endingSignal();
  const startup = new AbortController();
  void asked.first.then(() => startup.abort());
  const service = await startService({
    config,
    isAnyPortFine: values['free-ports'] === true || config.isAnyPortFine,
    log: logSink(),
    signal: startup.signal,
  }).catch((error: unknown) => {
    if (startup.signal.aborted) return null;
    throw error;
  });
  if (service === null) return 0;
  process.stderr.write(`mtmt is ready on ${service.url}  (API documentation: ${service.url}/docs)\n`);
  await asked.first;
  process.stderr.write('Ending: API, tagger, worker, database …\n');
  const impatient = asked.second.then(() => {
    service.kill();
    return 130;
  });
  return Promise.race([service.stop().then(() => 0), impatient]);
}

function endingSignal(): { first: Promise<void>; second: Promise<void> } {
  const asked = new EventEmitter();
  let firstAt: number | null = null;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (firstAt === null) {
        firstAt = performance.now();
        asked.emit('first');
      } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
        asked.emit('second');
      }
    });
  }
  const heard = (which: string): Promise<void> => once(asked, which).then(() => undefined);
  return { first: heard('first'), second: heard('second') };
}

/** Pretty lines for a person at a terminal, JSON lines for everything else. */
function logSink(): LogSink {
  if (!process.stdout.isTTY) return (line) => void process.stdout.write(`${line}\n`);
  const pretty = prettyFactory({ colorize: true, singleLine: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss' });
  return (line) => void process.stdout.write(isJson(line) ? pretty(line) : `${line}\n`);
}

function isJson(line: string): boolean {
  return line.startsWith('{') && line.endsWith('}');
}
