import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listEstimates, saveEstimate, type NewEstimate } from '../../src/store/estimates.ts';
import { testStore } from '../helper.ts';
import { runningRun } from './rows.ts';

test('a run has one estimate a language, the later one, and none by an attempt that may not write', async (t) => {
  const { store } = await testStore(t);
  const { runId, attempt, checkpointId } = await runningRun(store);
  const row: NewEstimate = { language: 'nl', f1: 0.7, precision: 0.75, recall: 0.65, ciLow: 0.6, ciHigh: 0.8, confidence: 0.78, agreement: 0.9, sentences: 10, words: 100, checkpointId };
  assert.equal(await saveEstimate(store, { runId, attempt }, row), true);
  assert.equal(await saveEstimate(store, { runId, attempt }, { ...row, language: 'es', agreement: null }), true);
  assert.equal(await saveEstimate(store, { runId, attempt }, { ...row, f1: 0.71 }), true);
  assert.equal(await saveEstimate(store, { runId, attempt: attempt + 1 }, { ...row, f1: 0.1 }), false);
  const [es, nl] = [{ ...row, runId, language: 'es', agreement: null }, { ...row, runId, f1: 0.71 }];
  assert.deepEqual(await listEstimates(store, runId), [es, nl]);
  assert.deepEqual(await listEstimates(store, runId, { language: 'nl' }), [nl]);
  assert.deepEqual(await listEstimates(store, 'run_none'), []);
});
