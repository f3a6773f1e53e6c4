import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCheckpoint } from '../../src/store/checkpoints.ts';
import { listEstimates, saveEstimate, type NewEstimate } from '../../src/store/estimates.ts';
import { newId } from '../../src/store/ids.ts';
import { beginAttempt, createRuns } from '../../src/store/runs.ts';
import { testStore } from '../helper.ts';
import { newRun } from './rows.ts';

test('a run has one estimate a language, the later one, and none by an attempt that may not write', async (t) => {
  const { store } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  const { runId } = run;
  const { attempt } = (await beginAttempt(store, { runId, worker: 'w', device: 'cpu' })) ?? assert.fail();
  const checkpointId = newId('ckpt');
  await createCheckpoint(store, { checkpointId, runId, attempt, step: 1, isBest: true, isLast: true, digest: 'sha256:0', sizeBytes: 1, storageKey: 'x', manifest: {} });
  const row: NewEstimate = { language: 'nl', f1: 0.7, precision: 0.75, recall: 0.65, ciLow: 0.6, ciHigh: 0.8, confidence: 0.78, agreement: 0.9, method: 'confidence', sentences: 10, words: 100, checkpointId };
  assert.equal(await saveEstimate(store, { runId, attempt }, row), true);
  assert.equal(await saveEstimate(store, { runId, attempt }, { ...row, language: 'es', agreement: null }), true);
  assert.equal(await saveEstimate(store, { runId, attempt }, { ...row, f1: 0.71 }), true);
  assert.equal(await saveEstimate(store, { runId, attempt: attempt + 1 }, { ...row, f1: 0.1 }), false);
  const [es, nl] = [{ ...row, runId, language: 'es', agreement: null }, { ...row, runId, f1: 0.71 }];
  assert.deepEqual(await listEstimates(store, runId), [es, nl]);
  assert.deepEqual(await listEstimates(store, runId, { language: 'nl' }), [nl]);
  assert.deepEqual(await listEstimates(store, 'run_none'), []);
});
