import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import pg from 'pg';
import { addEvent, EVENT_CHANNEL, listEvents } from '../../src/store/events.ts';
import { createRuns } from '../../src/store/runs.ts';
import { testStore } from '../helper.ts';
import { newRun } from './rows.ts';

test('every event wakes listeners with the id of its run', async (t) => {
  const { store, databaseUrl } = await testStore(t);
  const run = await newRun(store);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`listen ${EVENT_CHANNEL}`);
  const notified = once(client, 'notification');
  await createRuns(store, [run]);
  const [{ payload }] = (await notified) as [{ payload: string }];
  await client.end();
  assert.equal(payload, run.runId);
});

test('an event that commits later has a greater id, whoever began first', async (t) => {
  const { store } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  const tell = (message: string) => ({ runId: run.runId, level: 'info', type: 'phase', message }) as const;
  let second: Promise<void> | undefined;
  let isSecondThere = false;
  await store.$transaction(async (transaction) => {
    await addEvent(transaction, tell('slow'));
    second = addEvent(store, tell('fast')).then(() => void (isSecondThere = true));
    await sleep(300);
    assert.equal(isSecondThere, false);
  });
  await second;
  const messages = (await listEvents(store, run.runId, { limit: 10 })).map(({ message }) => message);
  assert.deepEqual(messages.slice(1), ['slow', 'fast']);
});

test('events are read on from an id, and an id that is no number of this world is refused', async (t) => {
  const { store } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  for (const message of ['a', 'b', 'c']) await addEvent(store, { runId: run.runId, level: 'info', type: 'phase', message, data: { message, nothing: undefined } });
  const [, first] = await listEvents(store, run.runId, { limit: 2 });
  assert.deepEqual([first?.message, first?.data], ['a', { message: 'a' }]);
  const rest = await listEvents(store, run.runId, { after: first?.eventId ?? 0, limit: 10 });
  assert.deepEqual(rest.map(({ message }) => message), ['b', 'c']);
  await assert.rejects(listEvents(store, run.runId, { after: 1e30, limit: 1 }), { code: 'CURSOR_INVALID' });
});
