import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gone, mayLive, seen } from '../../src/store/processes.ts';
import { testStore } from '../helper.ts';

test('a process that could not be seen because the database was away may live, until it had time to be seen again', async (t) => {
  const { store } = await testStore(t);
  const processId = 'worker_1';
  await seen(store, { processId, role: 'worker', host: 'here', device: 'cpu' });
  await store.$executeRaw`update "Process" set "seenAt" = pg_postmaster_start_time() - interval '1 hour'`;
  const [{ age } = assert.fail()] = await store.$queryRaw<{ age: number }[]>`select extract(epoch from now() - pg_postmaster_start_time())::float8 as age`;
  assert.equal(await mayLive(store, processId, { maxAgeSeconds: age + 600 }), true, 'the database has not been back for that long');
  assert.equal(await mayLive(store, processId, { maxAgeSeconds: age / 2 }), false);
  await seen(store, { processId, role: 'worker', host: 'here', device: 'cpu' });
  assert.equal(await mayLive(store, processId, { maxAgeSeconds: 600 }), true);
  await gone(store, processId);
  assert.equal(await mayLive(store, processId, { maxAgeSeconds: age + 600 }), false, 'it has said that it is gone');
});
