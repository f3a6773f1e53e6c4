/** A fleet on one machine: API processes behind a load balancer, a tagger and a worker, which share nothing but a database and a storage. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { testDatabase, testFolder, type Cleaner } from './helper.ts';
import { ENCODER, installEncoder } from './runs/fixtures/world.ts';

const CLI = join(import.meta.dirname, '../src/cli.ts');
const CONLL = 'Ana B-PER\nlives O\nin O\nBerlin B-LOC\n\nNew B-LOC\nYork I-LOC\nsleeps O\n\n';
const OPTIONS = { epochs: 2, batchPieces: 64, maxPieces: 32 };

/** What is read of the answers here. */
export interface Answer {
  readonly datasetId?: string;
  readonly runId?: string;
  readonly status?: string;
  readonly terminal?: boolean;
  readonly failure?: unknown;
  readonly model?: { readonly runId: string };
  readonly items?: readonly { readonly runId?: string; readonly checkpointId?: string }[];
}

export interface Fleet {
  readonly env: Readonly<Record<string, string>>;
  /** Of the API processes, in the order of their start. */
  readonly apis: readonly { readonly url: string; stop(): Promise<number | null> }[];
  /** Of the load balancer. */
  readonly url: string;
  ask(method: string, path: string, body?: object): Promise<{ status: number; body: Answer }>;
}

/** @param storage the variables that say where artifacts lie, the same for all */
export async function startFleet(t: Cleaner, storage: Record<string, string>): Promise<Fleet> {
  const cleaners: (() => unknown)[] = [];
  t.after(async () => {
    for (const clean of cleaners.reverse()) await clean();
  });
  const cleaner: Cleaner = { after: (clean) => void cleaners.push(clean) };
  const databaseUrl = await testDatabase(cleaner);
  const encodersDir = await testFolder(cleaner);
  await installEncoder(encodersDir, ENCODER);
  // of its own for each process: as on machines of their own
  const own = async (): Promise<Record<string, string>> => ({
    ...{ DATABASE_URL: databaseUrl, ENCODERS_DIR: encodersDir, DEFAULT_ENCODER: ENCODER, DATA_DIR: await testFolder(cleaner), CACHE_DIR: await testFolder(cleaner) },
    ...{ PORT: '0', TAGGER_PORT: '0', DEVICES: 'cpu', LOG_LEVEL: 'info', ...storage },
  });
  const [one, two] = await Promise.all([
    start(cleaner, ['api'], await own(), /Server listening at (http:[^"]+)/),
    start(cleaner, ['api'], await own(), /Server listening at (http:[^"]+)/),
    start(cleaner, ['tagger', '--devices', 'cpu'], await own(), /"url":"([^"]+)".*tagger started/),
    start(cleaner, ['worker', '--devices', 'cpu'], await own(), /worker started/),
  ]);
  const apis = [one, two];
  const url = await startBalancer(cleaner, apis.map((api) => api.url));
  return {
    env: await own(),
    apis,
    url,
    async ask(method, path, body) {
      const answer = await fetch(url + path, { method, ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) });
      return { status: answer.status, body: (await answer.json()) as Answer };
    },
  };
}

/** Trains a recognizer through the fleet, and tags with it. */
export async function trainAndTag({ ask }: Fleet): Promise<void> {
  const sentences = CONLL.trim().split('\n\n').map((each) => each.split('\n').map((line) => line.split(' ')));
  const content = { sentences: sentences.map((words) => ({ tokens: words.map(([word]) => word), tags: words.map(([, tag]) => tag) })) };
  const ids: string[] = [];
  for (const split of ['train', 'dev', 'test']) {
    const { status, body } = await ask('POST', '/datasets', { name: `en ${split}`, kind: 'labeled', language: 'en', split, ...content });
    assert.equal(status, 201, JSON.stringify(body));
    ids.push(body.datasetId ?? '');
  }
  const [train, dev, test] = ids;
  const { body: run } = await ask('POST', '/runs', { kind: 'recognizer', datasets: { train: [train], dev: [dev], test: [test] }, options: OPTIONS });
  const runId = run.runId ?? assert.fail(JSON.stringify(run));
  await ended(ask, runId);
  const { body: checkpoints } = await ask('GET', `/runs/${runId}/checkpoints`);
  assert.equal((await ask('PUT', '/models/default', { checkpointId: checkpoints.items?.[0]?.checkpointId })).status, 200);
  for (let i = 0; i < 4; i++) {
    const { status, body } = await ask('POST', '/ner', { text: 'Ana lives in Berlin.' });
    assert.deepEqual([status, body.model?.runId], [200, runId]);
  }
}

async function ended(ask: Fleet['ask'], runId: string): Promise<void> {
  for (;;) {
    const { body } = await ask('GET', `/runs/${runId}`);
    if (body.terminal === true) {
      assert.equal(body.status, 'succeeded', JSON.stringify(body.failure));
      return;
    }
    await wait(200);
  }
}

/** @param ready its first group is the address */
async function start(t: Cleaner, args: string[], env: Record<string, string>, ready: RegExp): Promise<{ url: string; stop(): Promise<number | null> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', CLI, ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    return child.exitCode;
  };
  t.after(() => stop('SIGKILL'));
  return { url: await said(child, ready), stop };
}

function said(child: ChildProcess, ready: RegExp): Promise<string> {
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on('line', (line) => {
        lines.push(line);
        const found = ready.exec(line);
        if (found !== null) resolve(found[1] ?? '');
      });
    }
    child.once('exit', (code) => reject(new Error(`a process ended with ${code}:\n${lines.join('\n')}`)));
  });
}

/** Each request to the next one that answers. */
async function startBalancer(t: Cleaner, targets: readonly string[]): Promise<string> {
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => pass(0));
    function pass(tried: number): void {
      const target = new URL(incoming.url ?? '/', targets[turn++ % targets.length]);
      const upstream = request(target, { method: incoming.method, headers: incoming.headers, agent: false }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      upstream.on('error', () => (tried + 1 < targets.length ? pass(tried + 1) : outgoing.destroy()));
      upstream.end(Buffer.concat(chunks));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
