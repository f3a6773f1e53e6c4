import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addMetrics, listMetrics } from '../../src/store/metrics.ts';
import { beginAttempt, createRuns } from '../../src/store/runs.ts';
import type { Store } from '../../src/store/store.ts';
import { testStore } from '../helper.ts';
import { newRun } from './rows.ts';

async function begun(store: Store): Promise<{ runId: string; attempt: number }> {
  const run = await newRun(store);
  await createRuns(store, [run]);
  const { attempt } = (await beginAttempt(store, { runId: run.runId, worker: 'w', device: 'cpu' })) ?? assert.fail();
  return { runId: run.runId, attempt };
}

const rowsOf = (name: string, steps: number): { name: string; step: number; value: number }[] => Array.from({ length: steps }, (_, step) => ({ name, step, value: step / 8 }));

test('ten thousand metrics are written at once, each with its value', async (t) => {
  const { store } = await testStore(t);
  const run = await begun(store);
  assert.equal(await addMetrics(store, run, rowsOf('loss', 10_000)), true);
  const found = await listMetrics(store, run.runId, { name: 'loss' });
  assert.deepEqual(found.map(({ step, value }) => [step, value]), rowsOf('loss', 10_000).map(({ step, value }) => [step, value]));
});

test('twenty writers at a time write every metric once, of one run and of others, and what comes twice is one', async (t) => {
  const { store } = await testStore(t);
  const [run, other] = [await begun(store), await begun(store)];
  const writes = Array.from({ length: 20 }, (_, writer) => [
    addMetrics(store, run, rowsOf(`writer ${writer}`, 100)),
    addMetrics(store, other, rowsOf('all write this', 100)),
  ]);
  assert.deepEqual(new Set(await Promise.all(writes.flat())), new Set([true]));
  const counts = new Map<string, number>();
  for (const { name } of await listMetrics(store, run.runId)) counts.set(name, (counts.get(name) ?? 0) + 1);
  assert.deepEqual([...counts], [...counts.keys()].map((name) => [name, 100]));
  assert.equal(counts.size, 20);
  assert.equal((await listMetrics(store, other.runId)).length, 100);
});
