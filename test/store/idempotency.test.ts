import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimKey, releaseKey, storeAnswer } from '../../src/store/idempotency.ts';
import type { Store } from '../../src/store/store.ts';
import { testStore } from '../helper.ts';

const USE = { key: 'k', route: 'POST /runs', bodyDigest: 'sha256:1' };
const DAY_MS = 24 * 60 * 60 * 1000;

async function makeOlder(store: Store, byMs: number): Promise<void> {
  await store.idempotencyKey.updateMany({ data: { createdAt: new Date(Date.now() - byMs) } });
}

test('of requests that come at once with one key, one does the work and the others are told to wait', async (t) => {
  const { store } = await testStore(t);
  const claims = await Promise.all(Array.from({ length: 5 }, () => claimKey(store, USE)));
  assert.deepEqual(claims.map(({ state }) => state).sort(), ['busy', 'busy', 'busy', 'busy', 'claimed']);
});

test('the answer is replayed for the same body, another body is told apart, another route is another key', async (t) => {
  const { store } = await testStore(t);
  await claimKey(store, USE);
  await storeAnswer(store, USE, { statusCode: 202, response: { runId: 'run_1' } });
  assert.deepEqual(await claimKey(store, USE), { state: 'answered', statusCode: 202, response: { runId: 'run_1' } });
  assert.deepEqual(await claimKey(store, { ...USE, bodyDigest: 'sha256:2' }), { state: 'different' });
  assert.deepEqual(await claimKey(store, { ...USE, route: 'POST /datasets' }), { state: 'claimed' });
});

test('a key that is released can be used again, one that is answered stays', async (t) => {
  const { store } = await testStore(t);
  await claimKey(store, USE);
  await releaseKey(store, USE);
  assert.deepEqual(await claimKey(store, USE), { state: 'claimed' });
  await storeAnswer(store, USE, { statusCode: 201, response: {} });
  await releaseKey(store, USE);
  assert.equal((await claimKey(store, USE)).state, 'answered');
});

test('a claim whose process died is given on after a while', async (t) => {
  const { store } = await testStore(t);
  await claimKey(store, USE);
  await makeOlder(store, 5 * 60 * 1000);
  assert.equal((await claimKey(store, USE)).state, 'busy');
  await makeOlder(store, 11 * 60 * 1000);
  assert.equal((await claimKey(store, USE)).state, 'claimed');
});

test('keys are forgotten after a day, whoever asks for one', async (t) => {
  const { store } = await testStore(t);
  await claimKey(store, USE);
  await storeAnswer(store, USE, { statusCode: 201, response: {} });
  await makeOlder(store, DAY_MS + 1000);
  await claimKey(store, { ...USE, key: 'other' });
  assert.deepEqual((await store.idempotencyKey.findMany()).map(({ key }) => key), ['other']);
});
