import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, type Collected } from '../../../src/cli/storage/collect.ts';
import { listCheckpoints } from '../../../src/store/checkpoints.ts';
import { deleteDataset } from '../../../src/store/datasets.ts';
import { deleteModel, putModel } from '../../../src/store/models.ts';
import { beginAttempt, deleteRun, moveRun } from '../../../src/store/runs.ts';
import { keysOf } from '../../storage/contract.ts';
import { openPlace, type Place } from './world.ts';

const run = (place: Place, change: { isDryRun?: boolean; isEmptyFine?: boolean } = {}): Promise<Collected> =>
  collect({ ...place, isDryRun: false, isEmptyFine: false, ...change });

test('what no row needs goes once it is an hour old, and a dry run only says so', async (t) => {
  const place = await openPlace(t);
  const { storage, output } = place;
  const kept = await place.dataset('kept');
  const garbage = await storage.write('downloads', 'tar', [Buffer.from('archive')]);
  assert.deepEqual(await run(place), { removed: 0, removedBytes: 0, kept: 2 }, 'it may be about to get its row');
  await place.age();
  assert.deepEqual(await run(place, { isDryRun: true }), { removed: 1, removedBytes: 7, kept: 1 });
  assert.ok(output.lines.includes(`would remove ${garbage.key} (0.0 kB)`), output.lines.join('\n'));
  assert.deepEqual(await keysOf(storage), [kept.key, garbage.key].sort());
  assert.deepEqual(await run(place), { removed: 1, removedBytes: 7, kept: 1 });
  assert.deepEqual(await keysOf(storage), [kept.key]);
});

test('content of deleted datasets and runs goes, unless a live run still reads it', async (t) => {
  const place = await openPlace(t);
  const { store, storage } = place;
  const [used, unused] = [await place.dataset('used'), await place.dataset('unused')];
  const teacher = await place.run({ datasets: [{ role: 'train', datasetId: used.datasetId }] });
  const weights = await place.checkpoint(teacher);
  await place.succeed(teacher.runId);
  const student = await place.run({ kind: 'student', teachers: [{ role: 'recognizer', teacherRunId: teacher.runId, checkpointId: null }] });
  await assert.rejects(deleteRun(store, teacher.runId), { code: 'RUN_IN_USE' });
  // as before deletion was refused, or by somebody's hand
  await store.run.update({ where: { runId: teacher.runId }, data: { deletedAt: new Date() } });
  await deleteDataset(store, unused.datasetId);
  await place.age();
  await run(place);
  assert.deepEqual(await keysOf(storage), [used.key, weights.key].sort());
  await moveRun(store, { runId: student.runId, from: ['running'], to: 'failed' });
  await deleteDataset(store, used.datasetId);
  await run(place, { isEmptyFine: true });
  assert.deepEqual(await keysOf(storage), []);
});

test('two rows may need the same content: it goes with the last', async (t) => {
  const place = await openPlace(t);
  const { store, storage } = place;
  const [one, two] = [await place.run(), await place.run()];
  const { key } = await place.checkpoint(one, { content: 'same' });
  assert.equal((await place.checkpoint(two, { content: 'same' })).key, key);
  for (const { runId } of [one, two]) await place.succeed(runId);
  await place.age();
  await deleteRun(store, one.runId);
  await run(place);
  assert.deepEqual(await keysOf(storage), [key]);
  await deleteRun(store, two.runId);
  await run(place, { isEmptyFine: true });
  assert.deepEqual(await keysOf(storage), []);
});

test('a database that needs nothing of what is there is taken for the wrong one', async (t) => {
  const place = await openPlace(t);
  const { key } = await place.storage.write('datasets', 'jsonl', [Buffer.from('of another installation')]);
  await place.age();
  for (const isDryRun of [true, false]) await assert.rejects(run(place, { isDryRun }), { code: 'STORAGE_FOREIGN', message: /needs none of the 1 artifacts/ });
  assert.deepEqual(await keysOf(place.storage), [key]);
});

test('checkpoints of an attempt that was cut off go when the next one has chosen anew; what anything names stays', async (t) => {
  const place = await openPlace(t);
  const { store, storage } = place;
  const first = await place.run();
  const best = await place.checkpoint(first, { content: 'best of 1', selections: ['source-dev'] });
  const target = await place.checkpoint(first, { content: 'target of 1', selections: ['target-dev'], isBest: false });
  const served = await place.checkpoint(first, { content: 'served', selections: ['last'], isBest: false });
  await putModel(store, 'default', served.checkpointId);
  await moveRun(store, { runId: first.runId, from: ['running'], to: 'queued' });
  const second = (await beginAttempt(store, { runId: first.runId, worker: 'w', device: 'cpu' })) ?? assert.fail();
  const attempt = { runId: first.runId, attempt: second.attempt };
  const again = await place.checkpoint(attempt, { content: 'best of 2', selections: ['source-dev', 'last'] });
  await place.age();
  await run(place);
  assert.deepEqual(await keysOf(storage), [best.key, target.key, served.key, again.key].sort(), 'the run goes on');
  await place.succeed(first.runId);
  await run(place, { isDryRun: true });
  assert.equal((await listCheckpoints(store, first.runId)).length, 4);
  await run(place);
  assert.deepEqual(await keysOf(storage), [target.key, served.key, again.key].sort(), 'nothing new was chosen by target-dev');
  await deleteModel(store, 'default');
  await run(place);
  assert.deepEqual(new Set((await listCheckpoints(store, first.runId)).map(({ checkpointId }) => checkpointId)), new Set([target, served, again].map(({ checkpointId }) => checkpointId)), 'it is in the history of a model');
});
