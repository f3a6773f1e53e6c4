/** The API's process: it starts on an empty installation, and ends in order when it is told to. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createRuns } from '../src/store/runs.ts';
import { createExperiment } from '../src/store/experiments.ts';
import { openStore } from '../src/store/store.ts';
import { resolveOptions } from '../src/training/options.ts';
import { testDatabase, testFolder } from './helper.ts';

const SERVER = join(import.meta.dirname, '../src/server.ts');

test('SIGTERM ends open streams and then the process, with 0', { timeout: 90_000 }, async (t) => {
  const databaseUrl = await testDatabase(t);
  const folder = await testFolder(t);
  const store = await openStore(databaseUrl);
  const { experimentId } = await createExperiment(store, { name: 'x' });
  const runId = 'run_22222222222222222222';
  const run = { runId, experimentId, kind: 'recognizer', status: 'queued', name: 'r', encoderId: 'e', encoderDigest: 'd', requested: {}, options: resolveOptions('recognizer', {}), seed: 1, priority: 0, tags: {}, datasets: [], teachers: [] } as const;
  await createRuns(store, [run]);
  await store.$disconnect();

  const env = { ...process.env, DATABASE_URL: databaseUrl, DATA_DIR: folder, ENCODERS_DIR: join(folder, 'encoders'), PORT: '0', LOG_LEVEL: 'info', TAGGER_URL: 'http://127.0.0.1:9' };
  const child = spawn(process.execPath, ['--import', 'tsx', SERVER], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const lines: string[] = [];
  const url = await new Promise<string>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      const found = /Server listening at (http:[^"]+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });

  assert.deepEqual(await (await fetch(`${url}/encoders`)).json(), { items: [], nextCursor: null });
  const ready = await fetch(`${url}/health/ready`);
  assert.deepEqual([ready.status, await ready.json()], [
    503,
    {
      status: 'not ready',
      database: { ok: true },
      worker: { ok: false, reason: 'no worker has shown itself for a minute' },
      tagger: { ok: false, reason: 'The tagger is not available: it does not answer' },
    },
  ]);
  const stream = await fetch(`${url}/runs/${runId}/events`, { headers: { accept: 'text/event-stream' } });
  let text = '';
  for await (const chunk of stream.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    if (text.includes('recognizer queued')) child.kill('SIGTERM');
  }
  assert.ok(!text.includes('event: end'));
  assert.deepEqual(await exited, [0, null]);
  assert.ok(lines.some((line) => line.includes('api is ending')));
});
