/**
 * Sends requests over kept connections and times them, from sending to the last byte of the answer.
 *
 * With `clients` each sends its next request when it has its answer. A server that stalls is then asked less, so that a stall is counted once a client
 * and not once for each request that would have come meanwhile: percentiles are those of so many clients that wait, and not of arrivals at a rate.
 * With `perSecond` requests are sent when they are due, whatever is unanswered, and timed from then on: a stall counts for all that were due.
 */
import { Agent, request as send } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { latencyOf, type Latency } from './latency.ts';

export interface LoadRequest {
  readonly path: string;
  /** JSON; absent: a GET. */
  readonly body?: string;
}

export interface LoadTask {
  readonly url: string;
  /** Sent in turn, from the first again after the last. */
  readonly requests: readonly LoadRequest[];
  readonly pace: { readonly clients: number } | { readonly perSecond: number };
  /** Not measured. */
  readonly warmUpSeconds: number;
  readonly windows: number;
  readonly windowSeconds: number;
}

/** What was answered within a stretch of the load; requests that began in the warm-up are in no latency. */
export interface LoadWindow extends Latency {
  readonly answersPerSecond: number;
  readonly errors: number;
  /** What went wrong first. */
  readonly firstError: string | null;
}

export interface LoadResult extends LoadWindow {
  /** Of one core, that sending took: it is taken from the server where both share a machine. */
  readonly cpuShare: number;
}

/** A client that was refused waits, or it would do nothing but be refused. */
const AFTER_ERROR_MS = 50;

interface Counts {
  readonly timesMs: number[];
  answered: number;
  errors: number;
  firstError: string | null;
}

/** @param onWindow when a window ends, in order; what is unanswered at the end still belongs to the whole's latencies */
export async function runLoad(task: LoadTask, onWindow: (window: LoadWindow) => void = () => undefined): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const whole = noCounts();
  let current = noCounts();
  const beginsAt = performance.now() + 1000 * task.warmUpSeconds;
  const endsAt = beginsAt + 1000 * task.windows * task.windowSeconds;
  let turn = 0;

  async function ask(sentAt: number): Promise<boolean> {
    const request = task.requests[turn++ % task.requests.length] as LoadRequest;
    const error = await exchange(agent, task.url, request);
    const now = performance.now();
    if (now < beginsAt) return error === null;
    for (const counts of [whole, current]) count(counts, { timeMs: sentAt < beginsAt ? null : now - sentAt, isInTime: now < endsAt, error });
    return error === null;
  }

  const sending = 'clients' in task.pace ? closed(task.pace.clients, endsAt, ask) : open(task.pace.perSecond, endsAt, ask);
  await until(beginsAt);
  const cpuBefore = process.cpuUsage();
  for (let window = 1; window <= task.windows; window++) {
    await until(beginsAt + 1000 * window * task.windowSeconds);
    onWindow(windowOf(current, task.windowSeconds));
    current = noCounts();
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  await sending;
  agent.destroy();
  const seconds = task.windows * task.windowSeconds;
  return { ...windowOf(whole, seconds), cpuShare: (user + system) / 1e6 / seconds };
}

async function closed(clients: number, endsAt: number, ask: (sentAt: number) => Promise<boolean>): Promise<void> {
  const client = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      if (!(await ask(performance.now()))) await sleep(AFTER_ERROR_MS);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

async function open(perSecond: number, endsAt: number, ask: (sentAt: number) => Promise<boolean>): Promise<void> {
  const startedAt = performance.now();
  const asked: Promise<boolean>[] = [];
  for (let dueAt = startedAt; dueAt < endsAt; dueAt = startedAt + (1000 * asked.length) / perSecond) {
    await until(dueAt);
    asked.push(ask(dueAt));
  }
  await Promise.all(asked);
}

/** @returns what went wrong, or null */
function exchange(agent: Agent, url: string, { path, body }: LoadRequest): Promise<string | null> {
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = send(url + path, { agent, method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
      const { statusCode = 0 } = response;
      response.on('error', (error) => resolve(error.message));
      response.on('end', () => resolve(statusCode === 200 ? null : `status ${statusCode}`));
      response.resume();
    });
    sent.on('error', (error) => resolve(error.message));
    sent.end(body);
  });
}

function count(counts: Counts, { timeMs, isInTime, error }: { timeMs: number | null; isInTime: boolean; error: string | null }): void {
  if (error !== null) {
    counts.errors++;
    counts.firstError ??= error;
    return;
  }
  if (isInTime) counts.answered++;
  if (timeMs !== null) counts.timesMs.push(timeMs);
}

function noCounts(): Counts {
  return { timesMs: [], answered: 0, errors: 0, firstError: null };
}

function windowOf({ timesMs, answered, errors, firstError }: Counts, seconds: number): LoadWindow {
  return { ...latencyOf(timesMs), answersPerSecond: answered / seconds, errors, firstError };
}

async function until(time: number): Promise<void> {
  const ms = time - performance.now();
  if (ms > 0) await sleep(ms);
}
