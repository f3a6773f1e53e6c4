/** Real workers and trainers as processes, which are killed; only the training itself is a fake. */
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'node:test';
import { checkpointDownloads } from '../../src/runs/downloads.ts';
import { listCheckpoints } from '../../src/store/checkpoints.ts';
import { listEvents } from '../../src/store/events.ts';
import { listMetrics } from '../../src/store/metrics.ts';
import { findModel } from '../../src/store/models.ts';
import { liveProcesses } from '../../src/store/processes.ts';
import { findRun } from '../../src/store/runs.ts';
import { listScores } from '../../src/store/scores.ts';
import { DEAF, KILLED, SLOW, THROWS } from './fixtures/engine.ts';
import { ended, startWorkerProcess, until, world, type World } from './fixtures/world.ts';

test('a pipeline goes through: teachers, then the student, with scores, checkpoints, metrics and the default model', async (t) => {
  const all = await world(t);
  const { service, store, datasets, storage, config } = all;
  startWorkerProcess(t, all);
  const { train, dev, test: en, testEs, rawEs } = datasets;
  const { runs } = await service.submitPipeline({ datasets: { train: [train], dev: [dev], test: [en, testEs], unlabeled: [rawEs] } });
  const [recognizer = assert.fail(), evaluator = assert.fail(), student = assert.fail()] = runs.map(({ runId }) => runId);
  const done = await until(store, student, 'succeeded');
  assert.deepEqual(done.transitions.map(({ status }) => status), ['waiting', 'queued', 'running', 'succeeded']);
  assert.deepEqual([done.step, done.steps, done.backend, done.device, done.attempt], [20, 20, 'fake', 'cpu', 1]);
  assert.ok(done.startedAt !== null && done.endedAt !== null && done.versions['node'] === process.versions.node);
  // Every word is tagged B-LOC: of each test set's two entities none is right but the O's are all wrong.
  const scores = await listScores(store, [student]);
  assert.deepEqual(scores.filter(({ label }) => label === '').map((s) => [s.language, s.tp + s.fn, s.sentences, s.words, s.scorer, s.decoding, s.selection]), [
    ['en', 2, 2, 7, 'conlleval', 'viterbi', 'source-dev'],
    ['es', 2, 2, 7, 'conlleval', 'viterbi', 'source-dev'],
  ]);
  assert.deepEqual((await listScores(store, [evaluator])).map(({ language, label, scorer, fn }) => [language, label, scorer, fn]), [['en', '', 'pairs', 0], ['en', 'same', 'pairs', 0]]);
  assert.equal((await listScores(store, [recognizer])).filter(({ label }) => label === '').length, 2);
  const checkpoints = await listCheckpoints(store, student);
  assert.deepEqual(checkpoints.map(({ step, isBest, isLast }) => [step, isBest, isLast]), [[20, true, true]]);
  const { checkpointId } = checkpoints[0] ?? assert.fail();
  assert.equal((await findModel(store, 'default'))?.checkpointId, checkpointId);
  const losses = await listMetrics(store, student, { name: 'loss' });
  assert.deepEqual([losses.length, losses[0]?.step, losses.at(-1)?.step], [20, 1, 20]);
  const types = (await listEvents(store, student, { limit: 200 })).map(({ type }) => type);
  for (const type of ['transition', 'phase', 'progress', 'metric', 'checkpoint', 'score']) assert.ok(types.includes(type as (typeof types)[number]), type);
  const download = await checkpointDownloads({ store, storage, config }).open(checkpointId);
  assert.ok(download.sizeBytes > 10_000);
  const card = Buffer.concat(await download.stream({ start: 512, end: 4_000 }).toArray()).toString();
  assert.match(card, /\| es test \| es \| test \|/);
});

test('a worker that is killed leaves a run that says so and goes on in the next worker', async (t) => {
  const all = await world(t);
  const { store } = all;
  const runId = await submit(all, SLOW);
  const first = startWorkerProcess(t, all);
  const begun = await until(store, runId, ({ step }) => step > 5);
  first.kill('SIGKILL');
  await ended(first);
  const at = (await findRun(store, runId))?.step ?? 0;
  await wait(1_500);
  assert.equal((await findRun(store, runId))?.step, (await findRun(store, runId))?.step);
  assert.ok(((await findRun(store, runId))?.step ?? 0) <= at + 60, 'its trainer goes on without it');
  startWorkerProcess(t, all);
  const again = await until(store, runId, ({ attempt, step }) => attempt === 2 && step > 0);
  assert.equal(again.transitions.at(-1)?.reason, `attempt 2: the worker ${begun.worker} was lost`);
  assert.notEqual(again.worker, begun.worker);
  await all.service.cancel(runId);
  const cancelled = await until(store, runId, 'cancelled');
  assert.deepEqual(cancelled.transitions.map(({ status }) => status), ['queued', 'running', 'running', 'cancelling', 'cancelled']);
});

test('a run whose workers are lost again and again fails as lost', async (t) => {
  const all = await world(t);
  const { store } = all;
  const runId = await submit(all, SLOW);
  await store.run.update({ where: { runId }, data: { maxAttempts: 1 } });
  const first = startWorkerProcess(t, all);
  await until(store, runId, ({ step }) => step > 0);
  first.kill('SIGKILL');
  startWorkerProcess(t, all);
  const run = await until(store, runId, 'failed');
  assert.equal(run.failureCode, 'LOST');
});

test('a trainer that throws, or is killed, fails its run with a code and a detail, and the worker goes on', async (t) => {
  const all = await world(t);
  const { store } = all;
  const [throws, killed, quick] = [await submit(all, THROWS), await submit(all, KILLED), await submit(all, 1)];
  startWorkerProcess(t, all);
  await until(store, quick, 'succeeded');
  const brief = async (runId: string): Promise<unknown[]> => {
    const run = await findRun(store, runId);
    return [run?.status, run?.failureCode, run?.failureDetail, run?.attempt];
  };
  assert.deepEqual(await brief(throws), ['failed', 'OUT_OF_MEMORY', 'the device ran out of memory; try a smaller batchPieces (OOM when allocating tensor with shape[1,2])', 1]);
  assert.deepEqual(await brief(killed), ['failed', 'TRAINER_KILLED', 'the training process was killed by SIGKILL: probably the machine ran out of memory', 1]);
});

test('a running run is cancelled within a step, and one that does not listen is killed after the grace time', async (t) => {
  const all = await world(t);
  const { store, service } = all;
  startWorkerProcess(t, all);
  for (const [seed, withinMs] of [[SLOW, 1_400], [DEAF, 6_000]] as const) {
    const runId = await submit(all, seed);
    await until(store, runId, ({ status, step }) => status === 'running' && step > 0);
    const asked = performance.now();
    await service.cancel(runId);
    await until(store, runId, 'cancelled');
    const took = performance.now() - asked;
    assert.ok(took < withinMs, `seed ${seed} took ${took} ms`);
    if (seed === DEAF) assert.ok(took > 1_400, `killed after ${took} ms, before its grace time`);
  }
});

test('a worker that is stopped gives its run back and ends; the next takes it up at no cost in attempts', async (t) => {
  const all = await world(t);
  const { store } = all;
  const runId = await submit(all, SLOW);
  const first = startWorkerProcess(t, all);
  await until(store, runId, ({ step }) => step > 0);
  first.kill('SIGTERM');
  assert.deepEqual(await ended(first), { code: 0, signal: null });
  const back = await findRun(store, runId);
  assert.deepEqual([back?.status, back?.worker, back?.transitions.at(-1)?.reason, back?.maxAttempts], ['queued', null, 'its worker was stopped and gave it back', 4]);
  assert.deepEqual(await liveProcesses(store, 'worker'), []);
  startWorkerProcess(t, all);
  const begun = performance.now();
  await until(store, runId, ({ attempt, step }) => attempt === 2 && step > 0);
  assert.ok(performance.now() - begun < 10_000);
});

async function submit({ service, datasets }: World, seed: number): Promise<string> {
  const { train, dev, test: en } = datasets;
  return (await service.submit({ kind: 'recognizer', seed, datasets: { train: [train], dev: [dev], test: [en] } })).runId;
}
