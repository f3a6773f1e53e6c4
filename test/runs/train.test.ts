/** The whole of a pipeline as users run it, real training included, on an encoder so small that nothing is learned. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadCheckpoint } from '../../src/checkpoints/load.ts';
import { parseManifest } from '../../src/checkpoints/manifest.ts';
import { bestCheckpoint, listCheckpoints } from '../../src/store/checkpoints.ts';
import { listEstimates } from '../../src/store/estimates.ts';
import { findModel } from '../../src/store/models.ts';
import { listMetrics } from '../../src/store/metrics.ts';
import { listScores, listVariants } from '../../src/store/scores.ts';
import { startWorkerProcess, until, world } from './fixtures/world.ts';

test('a pipeline trains two teachers and a student, which becomes the default model', async (t) => {
  const all = await world(t);
  const { service, store, storage, datasets } = all;
  startWorkerProcess(all, fileURLToPath(new URL('../../src/worker.ts', import.meta.url)));
  const { train, dev, devEs, test: en, testEs, rawEs, rawZh } = datasets;
  const options = { epochs: 4, batchPieces: 64, maxPieces: 32, learningRate: 1e-3, decoding: 'argmax' } as const;
  const { runs } = await service.submitPipeline({ options, datasets: { train: [train], dev: [dev, devEs], test: [en, testEs], unlabeled: [rawEs, rawZh] } });
  const ids = runs.map(({ runId }) => runId);
  const [recognizer = assert.fail(), evaluator = assert.fail(), student = assert.fail()] = ids;
  const ended = ['succeeded', 'failed', 'cancelled'];
  for (const runId of ids) {
    const run = await until(store, runId, ({ status }) => ended.includes(status), 120_000);
    assert.equal(run.status, 'succeeded', `${run.kind}: ${run.failureCode} ${run.failureDetail}`);
    assert.match(run.backend ?? '', /libtensorflow/);
  }
  const scores = await listScores(store, [recognizer, student]);
  assert.deepEqual(scores.filter(({ label }) => label === '').map(({ language, tp, fn, words }) => [language, tp + fn, words]), [['en', 3, 7], ['es', 3, 7], ['en', 3, 7], ['es', 3, 7]]);
  assert.deepEqual((await listScores(store, [evaluator])).map(({ language, scorer }) => [language, scorer]), [['en', 'pairs'], ['en', 'pairs']]);
  // the recognizer's are direct transfer by each protocol
  for (const runId of [recognizer, student]) {
    const checkpoints = await listCheckpoints(store, runId);
    const variants = (await listVariants(store, await listScores(store, [runId]))).filter(({ datasetId, decoding }) => datasetId === testEs && decoding === 'argmax');
    assert.deepEqual(variants.map(({ selection }) => selection), ['last', 'source-dev', 'target-dev']);
    for (const { selection, checkpointId } of variants) {
      const { manifest } = checkpoints.find((each) => each.checkpointId === checkpointId) ?? assert.fail();
      assert.ok(parseManifest(manifest).selections?.includes(selection));
    }
  }
  // the student's teacher is opened beside it
  const estimates = [...(await listEstimates(store, recognizer)), ...(await listEstimates(store, student))];
  assert.deepEqual(estimates.map(({ language, agreement, sentences }) => [language, agreement !== null, sentences]), [['es', false, 2], ['zh', false, 2], ['es', true, 2], ['zh', true, 2]]);
  assert.ok((await listMetrics(store, student, { name: 'loss' })).every(({ value }) => value !== null));
  const row = (await bestCheckpoint(store, student)) ?? assert.fail();
  const { manifest, tensors } = await loadCheckpoint(storage, { storageKey: row.storageKey, manifest: parseManifest(row.manifest) });
  assert.deepEqual(manifest.labels, ['LOC', 'PER']);
  assert.ok(manifest.tensors.includes('head.weight') && !manifest.tensors.includes('embeddings.word'));
  assert.ok(Object.values(tensors).every(({ data }) => data.every(Number.isFinite)));
  assert.equal((await findModel(store, 'default'))?.checkpointId, row.checkpointId);
  assert.equal((await readFile(await storage.localPath(row.storageKey))).length, row.sizeBytes);
});
