import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'node:test';
import { openDelivery, type Delivery } from '../../src/runs/delivery.ts';
import { testStore } from '../helper.ts';

test('processes that start at once on a new database prepare the queue together', async (t) => {
  const { databaseUrl } = await testStore(t);
  const open = (role: 'sender' | 'worker'): Promise<Delivery> => openDelivery(role, { databaseUrl, heartbeatSeconds: 3, onError: assert.ifError });
  const all = await Promise.all([open('sender'), open('worker'), open('worker'), open('sender')]);
  await Promise.all(all.map((delivery) => delivery.stop()));
});

test('a job is sent with its transaction or not at all, once for a run, and comes again when it is refused', async (t) => {
  const { store, databaseUrl } = await testStore(t);
  const delivery = await openDelivery('worker', { databaseUrl, heartbeatSeconds: 3, onError: assert.ifError });
  await store.$transaction(async (transaction) => {
    for (let i = 0; i < 2; i++) await delivery.enqueue(transaction, { runId: 'run_kept', priority: 0 });
  });
  const undone = store.$transaction(async (transaction) => {
    await delivery.enqueue(transaction, { runId: 'run_undone', priority: 9 });
    throw new Error('undone');
  });
  await assert.rejects(undone, /undone/);
  const got: string[] = [];
  await delivery.work(1, (runId) => (got.push(runId) === 1 ? Promise.reject(new Error('not now')) : Promise.resolve()));
  while (got.length < 2) await wait(50);
  await wait(1_500);
  assert.deepEqual(got, ['run_kept', 'run_kept']);
  await delivery.stop();
  const jobs: object[] = await store.$queryRaw`select data->>'runId' as "runId", state::text from pgboss.job where name = 'runs'`;
  assert.deepEqual(jobs, [{ runId: 'run_kept', state: 'completed' }]);
});
