/** `mtmt benchmark serve`: speed and memory of POST /ner, beside transformers and onnxruntime in the same run. */
import { parseArgs } from 'node:util';
import { contest, type Contestant } from '../../benchmark/contest.ts';
import { figureOfMemory, figureOfModel, figuresOfMinutes, figuresOfRounds, mb, ms, tableOfFigures, type Figure } from '../../benchmark/serve/figures.ts';
import { percentile } from '../../benchmark/serve/latency.ts';
import { LENGTHS } from '../../benchmark/serve/texts.ts';
import type { Peer } from '../../benchmark/serve/peer.ts';
import { IN_BATCHES } from '../../benchmark/table.ts';
import { loadConfig } from '../../config.ts';
import type { ApiClient } from '../client/api.ts';
import { sayingFailures } from '../client/failure.ts';
import { terminal, type Output } from '../client/terminal.ts';
import { withService } from '../client/with-service.ts';
import { positive, printJson } from './flags.ts';
import { conditionsOf } from './machine.ts';
import { agreement, withPeer } from './serve/beside.ts';
import { longLoad, serveRounds, type Loads } from './serve/rounds.ts';
import { ALONE_PIECES, subjectOf, textsOf, type Subject, type Texts } from './serve/subject.ts';
import { taggerMemory } from './serve/tagger-memory.ts';

const HELP = `Usage: mtmt benchmark serve [options]

Tags texts of the demo's own sentences through POST /ner, with the service that runs on DATA_DIR or one started for it, in an order that a seed
decides. A process of its own sends the requests, on the same cores; each client waits for its answer.

  --model NAME       an alias or a checkpoint (default: default)
  --clients N        at once, beside one alone (64)
  --seconds N        of each load; a quarter for one client alone (20)
  --rounds N         ours and the others in turn; medians are printed (3)
  --peer PYTHON      a Python with torch, transformers, onnxruntime and onnx, for the same model in a server that tags one text at a time
  --minutes N        then a long load, with memory and p99 by the minute
  --json             a line a measurement, and the figures last
`;

interface Flags {
  readonly model: string;
  readonly clients: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly python: string | null;
  readonly minutes: number | null;
  readonly isJson: boolean;
}

/** For whether both have the same model. */
const COMPARED_TEXTS = 40;
const MODEL_REPEATS = 8;

export async function run(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args, options: { model: text, clients: text, seconds: text, rounds: text, peer: text, minutes: text, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  return sayingFailures(() => {
    const flags: Flags = {
      model: values.model ?? 'default',
      clients: positive('clients', values.clients ?? '64', { isWhole: true }),
      seconds: positive('seconds', values.seconds ?? '20'),
      rounds: positive('rounds', values.rounds ?? '3', { isWhole: true }),
      python: values.peer ?? null,
      minutes: values.minutes === undefined ? null : positive('minutes', values.minutes),
      isJson: values.json === true,
    };
    const output = terminal(flags.isJson ? process.stderr : process.stdout);
    return withService({ config: loadConfig(), output }, async ({ client, url, pid, signal }) => {
      const subject = await subjectOf(client, flags.model);
      const texts = await textsOf(client, subject);
      for (const line of await conditions(client, subject, texts)) output.line(line);
      const loads: Loads = { url, subject, texts, clients: flags.clients, seconds: flags.seconds, signal };
      const figures = await withPeer({ client, python: flags.python, subject, signal }, (peer) => measured({ flags, client, loads, peer, servicePid: pid, output }));
      if (flags.isJson) printJson({ figures });
      output.line(`\n${tableOfFigures(figures)}`);
      return 0;
    });
  });
}

async function measured({ flags, client, loads, peer, servicePid, output }: { flags: Flags; client: ApiClient; loads: Loads; peer: Peer | null; servicePid: number | null; output: Output }): Promise<Figure[]> {
  const { subject, texts, signal, clients } = loads;
  if (peer !== null) {
    const { found, shared } = await agreement({ client, peer, subject, texts: texts.mixed.slice(0, COMPARED_TEXTS), signal });
    const versions = Object.entries(peer.versions).map(([name, version]) => `${name} ${version}`);
    output.line(`Beside: ${versions.join(', ')}, float32, ${peer.threads} threads, http.server; it finds ${shared} of ${found} entities that ours finds in ${COMPARED_TEXTS} texts\n`);
  }
  const rounds = await serveRounds(loads, {
    rounds: flags.rounds,
    peer,
    onLine(line, result) {
      if (flags.isJson) printJson({ ...line, ...result });
      output.line(`  round ${line.round}  ${line.engine.padEnd(13)}${line.what.padEnd(8)}${lineOf(result)}`);
    },
  });
  // before anything else is asked of it
  const memory = figureOfMemory(await taggerMemory(servicePid), subject.storedBytes);
  const figures = [...figuresOfRounds(rounds, { clients, pieces: ALONE_PIECES }), memory];
  if (flags.minutes !== null) figures.push(...(await underLongLoad(loads, { minutes: flags.minutes, servicePid, isJson: flags.isJson, output })));
  if (flags.python !== null) figures.push(await modelAlone(flags, flags.python));
  return figures;
}

async function underLongLoad(loads: Loads, { minutes, servicePid, isJson, output }: { minutes: number; servicePid: number | null; isJson: boolean; output: Output }): Promise<Figure[]> {
  output.line('');
  let count = 0;
  const each = await longLoad(loads, {
    minutes,
    servicePid,
    onMinute({ window, residentBytes }) {
      count++;
      if (isJson) printJson({ engine: 'mtmt', what: 'long', window: count, residentBytes, ...window });
      output.line(`  ${String(count).padStart(3)}  ${lineOf(window)}  tagger ${residentBytes === null ? '?' : mb(residentBytes)}`);
    },
  });
  return figuresOfMinutes(each);
}

/** As `mtmt benchmark engine` has it: random weights in e5-small's shape. */
async function modelAlone({ rounds }: Flags, python: string): Promise<Figure> {
  const contestants: Contestant[] = [{ engine: 'mtmt', precision: 'float32' }, { engine: 'mtmt', precision: 'bfloat16' }, { engine: 'onnxruntime', precision: 'float32' }];
  return figureOfModel(await contest(IN_BATCHES, contestants, { rounds, repeats: MODEL_REPEATS, python }), IN_BATCHES);
}

async function conditions(client: ApiClient, { model, checkpointId, encoder }: Subject, { mixed, pieces }: Texts): Promise<string[]> {
  const { device = 'unknown device' } = (await client.health()).tagger;
  const lengths = LENGTHS.map(({ sentences, share }) => `${100 * share} % of ${sentences}`).join(', ');
  return [
    await conditionsOf(device),
    `Model ${model} (${checkpointId}, ${encoder}); ${mixed.length} texts: ${lengths} sentences; pieces: half up to ${percentile(pieces, 0.5)}, 90 % up to ${percentile(pieces, 0.9)}, at most ${pieces.at(-1)}`,
  ];
}

function lineOf(measured: object): string {
  const { count, p50Ms, p99Ms, medianMs, answersPerSecond, errors = 0, firstError, cpuShare } = measured as Partial<Record<string, number>> & { firstError?: string | null };
  const parts = [
    medianMs === undefined ? `p50 ${ms(p50Ms ?? NaN)}, p99 ${ms(p99Ms ?? NaN)}` : `median ${ms(medianMs)}`,
    answersPerSecond === undefined ? '' : `${answersPerSecond.toFixed(1)} texts/s`,
    `${count} calls`,
    cpuShare === undefined ? '' : `sending took ${(100 * cpuShare).toFixed(0)} % of a core`,
    errors === 0 ? '' : `${errors} ERRORS (${firstError})`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
