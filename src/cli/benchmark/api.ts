/** `mtmt benchmark api`: how long calls of the API take while a worker trains on the same cores. */
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { tableOfCalls, type TimedCall } from '../../benchmark/serve/calls.ts';
import { ms } from '../../benchmark/serve/figures.ts';
import { loadApart } from '../../benchmark/serve/load-apart.ts';
import type { LoadResult } from '../../benchmark/serve/load.ts';
import { loadConfig } from '../../config.ts';
import { DEMO_OPTIONS } from '../../demo/options.ts';
import { apiClient, ApiProblem, type ApiClient } from '../client/api.ts';
import { CommandFailure, sayingFailures } from '../client/failure.ts';
import { terminal, type Output } from '../client/terminal.ts';
import { withService } from '../client/with-service.ts';
import { ownSets } from '../demo/own-sets.ts';
import { positive, printJson } from './flags.ts';
import { conditionsOf } from './machine.ts';

const HELP = `Usage: mtmt benchmark api [options]

Times calls of the API while a worker trains a recognizer on the demo's corpora, and again when it has been cancelled; it is deleted then.
Calls are sent when they are due, by a process of its own on the same cores, and are timed from then on.

  --seconds N   for each call and state (20)
  --rate N      calls a second (20)
  --json        a line a measurement
`;

const EXPERIMENT = 'benchmark-api';
const WARM_UP_SECONDS = 2;
/** Never reached: the run is cancelled. */
const EPOCHS = 100;
const POLL_MS = 300;
const FORGET_MS = 60_000;

interface Flags {
  readonly seconds: number;
  readonly perSecond: number;
  readonly isJson: boolean;
}

interface Calls {
  readonly client: ApiClient;
  readonly flags: Flags;
  readonly output: Output;
  readonly signal: AbortSignal;
}

export async function run(args: string[]): Promise<number> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args, options: { seconds: text, rate: text, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  return sayingFailures(() => {
    const flags: Flags = { seconds: positive('seconds', values.seconds ?? '20'), perSecond: positive('rate', values.rate ?? '20'), isJson: values.json === true };
    const output = terminal(flags.isJson ? process.stderr : process.stdout);
    return withService({ config: loadConfig(), output }, async ({ client, signal }) => {
      output.line(await conditionsOf());
      const timed = await besideTraining({ client, flags, output, signal });
      output.line(`\n${tableOfCalls(timed)}`);
      return 0;
    });
  });
}

async function besideTraining(calls: Calls): Promise<TimedCall[]> {
  const { client, flags, output, signal } = calls;
  const datasets: Record<string, string[]> = { train: [], dev: [] };
  for (const set of ownSets().filter(({ kind, split }) => kind === 'labeled' && split !== 'test')) datasets[set.split]?.push((await client.upload(set)).datasetId);
  await client.ensureExperiment(EXPERIMENT, 'Calls of the API stay quick while a worker trains.');
  const { runId } = await client.submitRun({ kind: 'recognizer', experiment: EXPERIMENT, name: 'beside the API', datasets, options: { ...DEMO_OPTIONS, epochs: EPOCHS } });
  try {
    output.line(`  ${runId}: waiting for its first steps`);
    await until(client, runId, signal, ({ progress }) => progress.step > 0);
    const training = await timeAll(calls, runId, 'training');
    const { terminal, status, progress } = await client.run(runId);
    if (terminal) throw new CommandFailure(`The run has ended (${status}) before all calls were timed`);
    if (flags.isJson) printJson({ what: 'run', runId, progress });
    output.line(`  it trains ${progress.piecesPerSecond?.toFixed(0) ?? '?'} pieces a second meanwhile, and is cancelled`);
    await end(client, runId, signal);
    const alone = await timeAll(calls, runId, 'alone');
    return training.map(({ name, result }, index) => ({ name, training: result, alone: (alone[index] as Timed).result }));
  } finally {
    // with a client of its own: the command's has been interrupted, perhaps
    const patience = AbortSignal.timeout(FORGET_MS);
    const other = apiClient(client.url, { signal: patience });
    await end(other, runId, patience);
    await other.deleteRun(runId);
  }
}

async function end(client: ApiClient, runId: string, signal: AbortSignal): Promise<void> {
  await client.cancel(runId).catch((error: unknown) => {
    if (!(error instanceof ApiProblem)) throw error; // it has ended
  });
  while (!(await client.run(runId)).terminal) await sleep(POLL_MS, undefined, { signal });
}

async function until(client: ApiClient, runId: string, signal: AbortSignal, isSo: (run: Awaited<ReturnType<ApiClient['run']>>) => boolean): Promise<void> {
  for (let run = await client.run(runId); !isSo(run); run = await client.run(runId)) {
    if (run.terminal) throw new CommandFailure(`The run ended too early: ${run.status}${run.failure === null ? '' : `, ${run.failure.detail}`}`);
    await sleep(POLL_MS, undefined, { signal });
  }
}

interface Timed {
  readonly name: string;
  readonly result: LoadResult;
}

async function timeAll({ client, flags, output, signal }: Calls, runId: string, state: 'training' | 'alone'): Promise<Timed[]> {
  const { seconds, perSecond, isJson } = flags;
  const timed: Timed[] = [];
  for (const path of ['/runs/{id}', '/runs', '/experiments', '/datasets']) {
    const name = `GET ${path}`;
    const requests = [{ path: path.replace('{id}', runId) }];
    const result = await loadApart({ url: client.url, requests, pace: { perSecond }, warmUpSeconds: WARM_UP_SECONDS, windows: 1, windowSeconds: seconds }, { signal });
    timed.push({ name, result });
    if (isJson) printJson({ name, state, ...result });
    output.line(`  ${state.padEnd(10)}${name.padEnd(18)}p50 ${ms(result.p50Ms)}, p99 ${ms(result.p99Ms)}, ${result.count} calls`);
  }
  return timed;
}
