/** 200 clients of the real API and the real tagger, many of which hang up, while the alias that they all use moves. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { random } from '../../src/corpora/random.ts';
import type { NerResponse } from '../../src/schemas/ner.ts';
import { addCheckpoint, setUp, startTagger } from './tagger-process.ts';

const CLIENTS = 200;
const MOVES = 20;
const BETWEEN_MOVES_MS = 400;
const SHARE_THAT_HANGS_UP = 0.2;

test('200 clients with hang-ups, while the default model moves: every answer is whole and one model’s, and after a move the new one’s', { timeout: 240_000 }, async (t) => {
  const { store, storage, encoder, env } = await setUp(t);
  const models = new Map<string, string>();
  for (const tag of ['B-LOC', 'B-PER']) models.set((await addCheckpoint({ store, storage, encoder, tag })).checkpointId, tag);
  // room for one model: each move drops the other one in the midst of requests
  await startTagger(t, store, { ...env, LOG_LEVEL: 'warn', TAGGER_MEMORY: '1', TAGGER_QUEUE: '1000' });
  const api = await startApi(t, { ...env, LOG_LEVEL: 'warn' });
  const ids = [...models.keys()];
  await move(api.url, ids[0] as string);
  const counts = { answers: 0, hangUps: 0 };
  const stopping = new AbortController();
  const clients = Array.from({ length: CLIENTS }, async (_, number) => {
    const generator = random(number);
    while (!stopping.signal.aborted) {
      const tokens = Array.from({ length: 1 + generator.int(4) }, () => Array.from({ length: 1 + generator.int(60) }, () => `word${generator.int(1000)}`));
      const hangUpMs = generator.next() < SHARE_THAT_HANGS_UP ? generator.int(200) : null;
      const answer = await ask(api.url, { tokens }, hangUpMs);
      if (answer === null) counts.hangUps++;
      else {
        counts.answers++;
        assertWhole(answer, tokens, models);
      }
    }
  });
  const all = Promise.all(clients);
  for (let number = 1; number <= MOVES; number++) {
    await Promise.race([all, wait(BETWEEN_MOVES_MS)]);
    const next = ids[number % ids.length] as string;
    await move(api.url, next);
    assert.equal((await ask(api.url, { tokens: [['Rome']] }, null))?.model.checkpointId, next);
  }
  stopping.abort();
  await all;
  t.diagnostic(`${counts.answers} answers, ${counts.hangUps} hang-ups, ${MOVES} moves`);
  assert.ok(counts.answers > CLIENTS && counts.hangUps > CLIENTS / 10);
  assert.deepEqual(api.lines.filter((line) => /"level":[56]0/.test(line)).slice(0, 3), []);
});

function assertWhole({ model: { alias, checkpointId }, results }: NerResponse, tokens: string[][], models: ReadonlyMap<string, string>): void {
  assert.equal(alias, 'default');
  const tag = models.get(checkpointId) ?? assert.fail(checkpointId);
  assert.deepEqual(results.map(({ tags }) => tags), tokens.map((words) => words.map(() => tag)));
}

async function move(url: string, checkpointId: string): Promise<void> {
  const { status } = await fetch(`${url}/models/default`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ checkpointId }) });
  assert.equal(status, 200);
}

const agent = new Agent({ keepAlive: true });

/** @returns null where the client has hung up */
function ask(url: string, body: object, hangUpMs: number | null): Promise<NerResponse | null> {
  return new Promise((resolve, reject) => {
    let hasLeft = false;
    const sent = request(`${url}/ner`, { agent, method: 'POST', headers: { 'content-type': 'application/json' } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', ended);
      response.on('end', () => (response.statusCode === 200 ? resolve(JSON.parse(text) as NerResponse) : reject(new Error(`${response.statusCode}: ${text}`))));
    });
    sent.on('error', ended);
    sent.end(JSON.stringify(body));
    if (hangUpMs !== null) {
      setTimeout(() => {
        hasLeft = true;
        sent.destroy();
        resolve(null);
      }, hangUpMs);
    }

    function ended(error: Error): void {
      if (!hasLeft) reject(error);
    }
  });
}

async function startApi(t: TestContext, env: Record<string, string>): Promise<{ url: string; lines: readonly string[] }> {
  const entry = new URL('../../src/server.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', entry], { env: { ...process.env, ...env, PORT: '0' }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  t.after(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) if (stream !== null) createInterface(stream).on('line', (line) => lines.push(line));
  const [told] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => assert.fail(lines.join('\n')))])) as [{ type: string; port: number }];
  assert.equal(told.type, 'listening');
  return { url: `http://127.0.0.1:${told.port}`, lines };
}
