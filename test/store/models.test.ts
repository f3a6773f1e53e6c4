import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bestCheckpoint, createCheckpoint, findCheckpoint, listCheckpoints } from '../../src/store/checkpoints.ts';
import { createDataset } from '../../src/store/datasets.ts';
import { newId } from '../../src/store/ids.ts';
import { checkpointOfAlias, deleteModel, findModel, listModels, putModel, setDefaultIfNone } from '../../src/store/models.ts';
import { gone, liveProcesses, seen } from '../../src/store/processes.ts';
import { beginAttempt, createRuns, deleteRun, moveRun } from '../../src/store/runs.ts';
import { listScores, saveScores } from '../../src/store/scores.ts';
import type { Store } from '../../src/store/store.ts';
import { testStore } from '../helper.ts';
import { datasetOf, newRun } from './rows.ts';

async function runningRun(store: Store): Promise<string> {
  const run = await newRun(store);
  await createRuns(store, [run]);
  await beginAttempt(store, { runId: run.runId, worker: 'w', device: 'cpu' });
  return run.runId;
}

async function checkpointOf(store: Store, runId: string, { step = 1, isBest = true, attempt = 1, digest = newId('ckpt') } = {}): Promise<string | null> {
  const checkpointId = newId('ckpt');
  return createCheckpoint(store, { checkpointId, runId, attempt, step, isBest, isLast: true, digest: `sha256:${digest}`, sizeBytes: 2 ** 40, storageKey: 'k', manifest: { step } });
}

test('a run has one best and one last checkpoint, and none of an attempt that was overtaken', async (t) => {
  const { store } = await testStore(t);
  const runId = await runningRun(store);
  const first = await checkpointOf(store, runId, { step: 1 });
  const second = await checkpointOf(store, runId, { step: 2 });
  const third = await checkpointOf(store, runId, { step: 3, isBest: false });
  assert.equal(await checkpointOf(store, runId, { attempt: 0 }), null);
  const rows = (await listCheckpoints(store, runId)).map(({ checkpointId, isBest, isLast, sizeBytes }) => [checkpointId, isBest, isLast, sizeBytes]);
  assert.deepEqual(rows, [[first, false, false, 2 ** 40], [second, true, false, 2 ** 40], [third, false, true, 2 ** 40]]);
  assert.equal((await bestCheckpoint(store, runId))?.checkpointId, second);
});

test('the same weights of a step are one checkpoint, which keeps its id and is what the latest attempt says', async (t) => {
  const { store } = await testStore(t);
  const runId = await runningRun(store);
  const last = await checkpointOf(store, runId, { step: 6, isBest: false, digest: 'six' });
  const best = await checkpointOf(store, runId, { step: 2, digest: 'two' });
  const later = await checkpointOf(store, runId, { step: 9, digest: 'nine' });
  assert.equal(await checkpointOf(store, runId, { step: 6, digest: 'six' }), last);
  const otherWeights = await checkpointOf(store, runId, { step: 2, isBest: false, digest: 'other' });
  const rows = (await listCheckpoints(store, runId)).map(({ checkpointId, step, isBest, isLast, manifest }) => [checkpointId, step, isBest, isLast, manifest]);
  assert.deepEqual(rows, [
    [best, 2, false, false, { step: 2, checkpointId: best }],
    [otherWeights, 2, false, true, { step: 2, checkpointId: otherWeights }],
    [last, 6, true, false, { step: 6, checkpointId: last }],
    [later, 9, false, false, { step: 9, checkpointId: later }],
  ]);
});

test('an alias remembers what it pointed at, newest first, deletions too', async (t) => {
  const { store } = await testStore(t);
  const runId = await runningRun(store);
  const first = (await checkpointOf(store, runId)) ?? '';
  const second = (await checkpointOf(store, runId)) ?? '';
  await putModel(store, 'prod', first);
  await putModel(store, 'prod', second);
  await deleteModel(store, 'prod');
  assert.equal(await findModel(store, 'prod'), null);
  await assert.rejects(deleteModel(store, 'prod'), { code: 'MODEL_NOT_FOUND' });
  await putModel(store, 'prod', first);
  const found = await findModel(store, 'prod');
  assert.deepEqual([found?.checkpointId, found?.runId, found?.encoderId], [first, runId, 'tiny']);
  assert.deepEqual(found?.history.map(({ checkpointId }) => checkpointId), [first, null, second, first]);
  await assert.rejects(putModel(store, 'prod', 'ckpt_none'), { code: 'CHECKPOINT_NOT_FOUND' });
});

test('only the first student becomes the default, of several at once too', async (t) => {
  const { store } = await testStore(t);
  const runId = await runningRun(store);
  const ids = [(await checkpointOf(store, runId)) ?? '', (await checkpointOf(store, runId)) ?? ''];
  const isSet = await Promise.all(ids.map((id) => setDefaultIfNone(store, id)));
  assert.deepEqual(isSet.filter(Boolean), [true]);
  assert.equal(await checkpointOfAlias(store, 'default'), ids[isSet.indexOf(true)]);
  assert.equal((await listModels(store)).length, 1);
});

test('a run that is served stays; the checkpoints of a deleted run are gone and get no alias', async (t) => {
  const { store } = await testStore(t);
  const runId = await runningRun(store);
  const checkpointId = (await checkpointOf(store, runId)) ?? '';
  await putModel(store, 'prod', checkpointId);
  await moveRun(store, { runId, from: ['running'], to: 'succeeded' });
  await assert.rejects(deleteRun(store, runId), { code: 'RUN_IN_USE', message: /prod/ });
  await deleteModel(store, 'prod');
  await deleteRun(store, runId);
  assert.equal(await findCheckpoint(store, checkpointId), null);
  await assert.rejects(putModel(store, 'prod', checkpointId), { code: 'CHECKPOINT_NOT_FOUND' });
});

test('scores replace what the run had for the dataset, and need the attempt', async (t) => {
  const { store } = await testStore(t);
  const runId = await runningRun(store);
  const checkpointId = (await checkpointOf(store, runId)) ?? '';
  const { dataset } = await createDataset(store, datasetOf('es-test'));
  const row = (label: string, tp: number) =>
    ({ datasetId: dataset.datasetId, label, language: 'es', split: 'test', tp, fp: 1, fn: 2, tn: null, sentences: 3, words: 4, ciLow: 0.1, ciHigh: 0.9, checkpointId, selection: 'source-dev', scorer: 'conlleval', decoding: 'argmax' }) as const;
  assert.equal(await saveScores(store, { runId, attempt: 1 }, [row('', 5), row('PER', 5)]), true);
  assert.equal(await saveScores(store, { runId, attempt: 1 }, [row('', 6)]), true);
  assert.equal(await saveScores(store, { runId, attempt: 2 }, [row('', 7)]), false);
  assert.deepEqual((await listScores(store, [runId])).map(({ label, tp }) => [label, tp]), [['', 6], ['PER', 5]]);
  assert.deepEqual(await listScores(store, [runId], { language: 'nl' }), []);
});

test('a process lives while it is seen', async (t) => {
  const { store } = await testStore(t);
  await seen(store, { processId: 'w1', role: 'worker', host: 'h', device: 'cpu', detail: { runs: 1 } });
  await seen(store, { processId: 'w2', role: 'worker', host: 'h', device: 'cpu' });
  await store.$executeRaw`update "Process" set "seenAt" = now() - interval '2 minutes' where "processId" = 'w1'`;
  assert.deepEqual((await liveProcesses(store, 'worker')).map(({ processId }) => processId), ['w2']);
  assert.deepEqual(await liveProcesses(store, 'tagger'), []);
  await seen(store, { processId: 'w1', role: 'worker', host: 'h', device: 'cpu', detail: { runs: 2 } });
  assert.deepEqual((await liveProcesses(store, 'worker')).map(({ processId, detail }) => [processId, detail]), [['w1', { runs: 2 }], ['w2', {}]]);
  await gone(store, 'w1');
  await store.$executeRaw`update "Process" set "seenAt" = now() - interval '2 days'`;
  await seen(store, { processId: 'w3', role: 'worker', host: 'h', device: 'cpu' });
  assert.deepEqual((await store.process.findMany()).map(({ processId }) => processId), ['w3']);
});
