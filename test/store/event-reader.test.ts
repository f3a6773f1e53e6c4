import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventReader } from '../../src/store/event-reader.ts';
import { addEvent } from '../../src/store/events.ts';
import { createRuns } from '../../src/store/runs.ts';
import { testStore } from '../helper.ts';
import { newRun } from './rows.ts';

test('what a thousand ask at the same moment is asked of Postgres once, and who asks later sees what came since', async (t) => {
  const { store } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  const { runId } = run;
  let queries = 0;
  const findMany: typeof store.event.findMany = ((...query: Parameters<typeof store.event.findMany>) => (queries++, store.event.findMany(...query))) as never;
  const event = new Proxy(store.event, { get: (target, key) => (key === 'findMany' ? findMany : (Reflect.get(target, key) as unknown)) });
  const reader = createEventReader(new Proxy(store, { get: (target, key) => (key === 'event' ? event : (Reflect.get(target, key) as unknown)) }));
  const say = (message: string): Promise<void> => addEvent(store, { runId, level: 'info', type: 'phase', message });
  await say('one');
  const pages = await Promise.all(Array.from({ length: 1_000 }, () => reader.read(runId, 0)));
  assert.equal(queries, 1);
  for (const { status, rows } of pages) assert.deepEqual([status, rows.map(({ message }) => message)], ['queued', ['recognizer queued', 'one']]);
  const underWay = reader.read(runId, 0);
  await new Promise(setImmediate);
  await say('two');
  const later = await reader.read(runId, 0);
  assert.deepEqual([(await underWay).rows.length >= 2, later.rows.map(({ message }) => message), queries], [true, ['recognizer queued', 'one', 'two'], 3]);
  assert.equal((await reader.read('run_none', 0)).status, null);
});
