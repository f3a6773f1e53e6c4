/** A thousand event streams of one API process, over real HTTP and on real Postgres. */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'node:test';
import type { Dataset } from '../../src/schemas/dataset.ts';
import type { Run } from '../../src/schemas/run.ts';
import { addEvent } from '../../src/store/events.ts';
import { beginAttempt, moveRun } from '../../src/store/runs.ts';
import { openApi, type Api } from './api.ts';

const STREAMS = 1_000;
/** At a time: what the kernel keeps waiting for one process is bounded (511 by Node), and more are refused. */
const AT_ONCE = 100;

interface Stream {
  text: string;
  readonly ended: Promise<void>;
}

/** Each has a connection of its own. */
function open(url: string): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, headers: { accept: 'text/event-stream' } }, (answer) => {
      const stream: Stream = { text: '', ended: new Promise((end, failed) => answer.once('end', end).once('error', failed)) };
      answer.setEncoding('utf8').on('data', (part: string) => (stream.text += part));
      resolve(stream);
    });
    request.once('error', reject);
  });
}

async function allHave(streams: readonly Stream[], text: string): Promise<void> {
  while (!streams.every((stream) => stream.text.includes(text))) await wait(20);
}

async function submit(api: Api, dataset: string): Promise<string> {
  return (await api.must<Run>('POST', '/runs', { kind: 'recognizer', datasets: { train: [dataset] } })).runId;
}

/** Of this database, by what they are for. */
async function connections(api: Api): Promise<{ listening: number; all: number }> {
  const [row] = await api.store.$queryRaw<{ listening: number; all: number }[]>`
    select count(*) filter (where query ilike 'listen %')::int as listening, count(*)::int as "all" from pg_stat_activity where datname = current_database()`;
  return row ?? assert.fail();
}

test('a thousand streams cost one connection that listens, all see what a run tells and its end, and the process can end', async (t) => {
  const api = await openApi(t);
  const sentences = [{ tokens: ['Ana', 'sleeps'], tags: ['B-PER', 'O'] }];
  const { datasetId } = await api.must<Dataset>('POST', '/datasets', { name: 'en', kind: 'labeled', language: 'en', split: 'train', sentences });
  const base = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const timed = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const [began, used] = [performance.now(), process.cpuUsage()];
    await work();
    const { user, system } = process.cpuUsage(used);
    t.diagnostic(`${what}: ${(performance.now() - began).toFixed(0)} ms, ${((user + system) / 1000).toFixed(0)} ms of CPU of API and clients`);
  };
  const openAll = async (runId: string): Promise<Stream[]> => {
    const opened: Stream[] = [];
    while (opened.length < STREAMS) opened.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => open(`${base}/runs/${runId}/events`)))));
    return opened;
  };

  const runId = await submit(api, datasetId);
  let streams: Stream[] = [];
  await timed('opening', async () => {
    streams = await openAll(runId);
    await allHave(streams, 'recognizer queued');
  });
  await timed('an event reaches all', async () => {
    await addEvent(api.store, { runId, level: 'info', type: 'phase', message: 'hello', data: { phase: 'load' } });
    await allHave(streams, 'hello');
  });
  const { listening, all } = await connections(api);
  assert.equal(listening, 1);
  // the others are the pool's
  assert.ok(all <= 1 + 10, `${all} connections`);
  await timed('all end with the run', async () => {
    await beginAttempt(api.store, { runId, worker: 'w', device: 'cpu' });
    await moveRun(api.store, { runId, from: ['running'], to: 'succeeded' });
    await Promise.all(streams.map(({ ended }) => ended));
  });
  for (const { text } of streams) {
    assert.equal(text.match(/^id: /gm)?.length, 4);
    assert.ok(text.endsWith('event: end\ndata: {"status":"succeeded"}\n\n'));
  }

  const live = await openAll(await submit(api, datasetId));
  await allHave(live, 'recognizer queued');
  await timed('the process ends', () => Promise.all([api.app.close(), ...live.map(({ ended }) => ended)]));
  for (const { text } of live) assert.ok(!text.includes('event: end'));
});
