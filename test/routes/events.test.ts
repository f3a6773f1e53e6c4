/** A run's events: stored ones in pages, and the same rows as a live stream over real HTTP. */
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'node:test';
import type { Dataset } from '../../src/schemas/dataset.ts';
import type { Run } from '../../src/schemas/run.ts';
import { eventStream, lastEventId } from '../../src/routes/event-stream.ts';
import { createEventReader } from '../../src/store/event-reader.ts';
import { addEvent } from '../../src/store/events.ts';
import { beginAttempt, moveRun } from '../../src/store/runs.ts';
import { openApi, type Api } from './api.ts';

interface Item {
  readonly eventId: number;
  readonly message: string;
}

async function submit(api: Api): Promise<string> {
  const sentences = [{ tokens: ['Ana', 'sleeps'], tags: ['B-PER', 'O'] }];
  const { datasetId } = await api.must<Dataset>('POST', '/datasets', { name: 'en', kind: 'labeled', language: 'en', split: 'train', sentences });
  return (await api.must<Run>('POST', '/runs', { kind: 'recognizer', datasets: { train: [datasetId] } })).runId;
}

function say(api: Api, runId: string, message: string): Promise<void> {
  return addEvent(api.store, { runId, level: 'info', type: 'phase', message, data: { phase: 'load' } });
}

/** Reads a stream until it ends, or `enough` says so. */
async function read(url: string, o: { headers?: Record<string, string>; enough?: (text: string) => boolean; onText?: (text: string) => unknown } = {}): Promise<{ text: string; type: string | null }> {
  const leaving = new AbortController();
  const answer = await fetch(url, { headers: { accept: 'text/event-stream', ...o.headers }, signal: leaving.signal });
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    await o.onText?.(text);
    if (o.enough?.(text) === true) break;
  }
  leaving.abort();
  return { text, type: answer.headers.get('content-type') };
}

const messages = (text: string): string[] => [...text.matchAll(/^data: (.*)$/gm)].map(([, json = '']) => (JSON.parse(json) as { message?: string; status?: string }).message ?? 'end');

test('events', { timeout: 60_000 }, async (t) => {
  const api = await openApi(t);
  const runId = await submit(api);
  const url = `${await api.app.listen({ host: '127.0.0.1', port: 0 })}/runs/${runId}/events`;
  await say(api, runId, 'one');
  await say(api, runId, 'two');

  await t.test('stored ones come in pages, and after a known one', async () => {
    const first = await api.must<{ items: Item[]; nextCursor: string }>('GET', `/runs/${runId}/events?limit=2`);
    const rest = await api.must<{ items: Item[]; nextCursor: null }>('GET', `/runs/${runId}/events?limit=2&cursor=${first.nextCursor}`);
    assert.deepEqual([...first.items, ...rest.items].map(({ message }) => message), ['recognizer queued', 'one', 'two']);
    assert.equal(rest.nextCursor, null);
    const after = await api.send('GET', `/runs/${runId}/events?after=${first.items[1]?.eventId}`);
    assert.deepEqual(after, { status: 200, body: { items: [{ eventId: rest.items[0]?.eventId, at: '<time>', level: 'info', type: 'phase', message: 'two', data: { phase: 'load' } }], nextCursor: null } });
  });

  await t.test('a stream replays what is stored, goes on live, and another goes on where it ended', async () => {
    let said = false;
    const { text, type } = await read(url, {
      enough: (soFar) => soFar.includes('"three"'),
      onText: async (soFar) => {
        if (said || !soFar.includes('"two"')) return;
        said = true;
        await say(api, runId, 'three');
      },
    });
    assert.equal(type, 'text/event-stream');
    assert.deepEqual(messages(text), ['recognizer queued', 'one', 'two', 'three']);
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id = '']) => id);
    const rest = await read(url, { headers: { 'last-event-id': ids[1] ?? '' }, enough: (soFar) => soFar.includes('"three"') });
    assert.deepEqual(messages(rest.text), ['two', 'three']);
  });

  await t.test('many streams that leave keep nothing open', async () => {
    await Promise.all(Array.from({ length: 20 }, () => read(url, { enough: (soFar) => soFar.includes('"three"') })));
    const answers = await api.store.$queryRaw<{ count: bigint }[]>`select count(*) from pg_stat_activity where datname = current_database() and application_name = 'mtmt-events'`;
    assert.equal(Number(answers[0]?.count), 1);
    assert.ok(!api.logged.some((line) => (JSON.parse(line) as { level: number }).level >= 40), api.logged.at(-1));
  });

  await t.test('a run that ends, ends its streams', async () => {
    const reading = read(url);
    await beginAttempt(api.store, { runId, worker: 'w', device: 'cpu' });
    await moveRun(api.store, { runId, from: ['running'], to: 'succeeded' });
    const { text } = await reading;
    assert.deepEqual(messages(text), ['recognizer queued', 'one', 'two', 'three', 'running', 'succeeded', 'end']);
    assert.ok(text.endsWith('event: end\ndata: {"status":"succeeded"}\n\n'));
  });

  await t.test('of an ended run a stream replays all and ends at once', async () => {
    assert.deepEqual(messages((await read(url)).text).slice(-2), ['succeeded', 'end']);
  });
});

test('a hundred clients that drop and come again see every event once, in order', { timeout: 120_000 }, async (t) => {
  const api = await openApi(t);
  const runId = await submit(api);
  const url = `${await api.app.listen({ host: '127.0.0.1', port: 0 })}/runs/${runId}/events`;
  const idsOf = (text: string): string[] => [...text.matchAll(/^id: (\d+)\nevent: .*\ndata: .*\n\n/gm)].map(([, id = '']) => id);

  /** Leaves after some events, the more often the higher its number, and asks for those after the last that it has seen whole. */
  async function follow(client: number): Promise<{ ids: string[]; connections: number }> {
    const ids: string[] = [];
    for (let connections = 1; ; connections++) {
      const patience = 1 + ((client + connections) % 9);
      const { text } = await read(url, { headers: ids.length === 0 ? {} : { 'last-event-id': ids.at(-1) ?? '' }, enough: (soFar) => idsOf(soFar).length >= patience });
      ids.push(...idsOf(text));
      if (text.includes('event: end')) return { ids, connections };
    }
  }
  const clients = Array.from({ length: 100 }, (_, client) => follow(client));
  await Promise.all(Array.from({ length: 4 }, async (_, writer) => {
    for (let count = 0; count < 20; count++) await say(api, runId, `writer ${writer}: ${count}`);
  }));
  await beginAttempt(api.store, { runId, worker: 'w', device: 'cpu' });
  await moveRun(api.store, { runId, from: ['running'], to: 'succeeded' });
  const seen = await Promise.all(clients);
  const stored = await api.store.event.findMany({ where: { runId }, orderBy: { eventId: 'asc' } });
  assert.equal(stored.length, 83);
  for (const { ids } of seen) assert.deepEqual(ids, stored.map(({ eventId }) => String(eventId)));
  const connections = seen.reduce((sum, each) => sum + each.connections, 0);
  assert.ok(connections > 150, `all together came only ${connections} times`);
});

test('a process that ends, ends its streams without saying that the run has ended', { timeout: 60_000 }, async (t) => {
  const api = await openApi(t);
  const runId = await submit(api);
  const url = `${await api.app.listen({ host: '127.0.0.1', port: 0 })}/runs/${runId}/events`;
  let closing: Promise<unknown> | undefined;
  const { text } = await read(url, { onText: (soFar) => void (soFar.includes('queued') && (closing ??= api.app.close())) });
  await closing;
  assert.deepEqual(messages(text), ['recognizer queued']);
});

test('a silent stream beats', { timeout: 60_000 }, async (t) => {
  const api = await openApi(t);
  const runId = await submit(api);
  const leaving = new AbortController();
  const events = { wait: (_: string, { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }) => wait(timeoutMs, undefined, { signal }).catch(() => undefined), isClosed: false, close: async () => undefined };
  const stream = eventStream({ reader: createEventReader(api.store), events, runId, after: 0, signal: leaving.signal, heartbeatMs: 50 });
  const parts: string[] = [];
  for await (const part of stream) {
    parts.push(part);
    if (parts.length === 4) leaving.abort();
  }
  assert.deepEqual(parts.map((part) => part.slice(0, 4)), [': th', 'id: ', ': st', ': st']);
});

test('what is no id of an event is the beginning', () => {
  assert.deepEqual([lastEventId('7', 0), lastEventId(undefined, 3), lastEventId('x', 3), lastEventId('-1', 3), lastEventId('1e99', 0)], [7, 3, 0, 0, 0]);
});
