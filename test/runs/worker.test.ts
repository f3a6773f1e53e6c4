/** Real workers and trainers as processes, which are killed; only the training itself is a fake. */
import assert from 'node:assert/strict';
import { getPriority } from 'node:os';
import { test } from 'node:test';
import { checkpointDownloads } from '../../src/runs/downloads.ts';
import { listCheckpoints } from '../../src/store/checkpoints.ts';
import { listEstimates } from '../../src/store/estimates.ts';
import { listEvents } from '../../src/store/events.ts';
import { listMetrics } from '../../src/store/metrics.ts';
import { findModel } from '../../src/store/models.ts';
import { liveProcesses } from '../../src/store/processes.ts';
import { findResumePoint } from '../../src/store/resume-points.ts';
import { findRun } from '../../src/store/runs.ts';
import { listScores } from '../../src/store/scores.ts';
import { DEAF, FRAIL, HEAVY, KILLED, SHUT, SLOW, THROWS, WIDE } from './fixtures/engine.ts';
import { ended, startWorkerProcess, submit, trainerOf, until, world, type World } from './fixtures/world.ts';

test('a pipeline goes through: teachers, then the student, with scores, checkpoints, metrics and the default model', async (t) => {
  const all = await world(t);
  const { service, store, datasets, storage, config } = all;
  startWorkerProcess(all);
  const { train, dev, test: en, testEs, rawEs } = datasets;
  const { runs } = await service.submitPipeline({ datasets: { train: [train], dev: [dev], test: [en, testEs], unlabeled: [rawEs] } });
  const [recognizer = assert.fail(), evaluator = assert.fail(), student = assert.fail()] = runs.map(({ runId }) => runId);
  const done = await until(store, student, 'succeeded');
  assert.deepEqual(done.transitions.map(({ status }) => status), ['waiting', 'queued', 'running', 'succeeded']);
  assert.deepEqual([done.step, done.steps, done.backend, done.device, done.attempt], [20, 20, 'fake', 'cpu', 1]);
  assert.ok(done.startedAt !== null && done.endedAt !== null && done.versions['node'] === process.versions.node);
  const scores = await listScores(store, [student]);
  assert.deepEqual(scores.filter(({ label }) => label === '').map((s) => [s.language, s.tp + s.fn, s.sentences, s.words, s.scorer, s.decoding, s.selection]), [
    ['en', 3, 2, 7, 'conlleval', 'viterbi', 'source-dev'],
    ['es', 3, 2, 7, 'conlleval', 'viterbi', 'source-dev'],
  ]);
  assert.deepEqual((await listScores(store, [evaluator])).map(({ language, label, scorer, fn }) => [language, label, scorer, fn]), [['en', '', 'pairs', 0], ['en', 'same', 'pairs', 0]]);
  assert.equal((await listScores(store, [recognizer])).filter(({ label }) => label === '').length, 2);
  // the raw text's language has a test set, too; the source language needs no estimate
  const [byRecognizer, byStudent, byEvaluator] = await Promise.all([recognizer, student, evaluator].map((runId) => listEstimates(store, runId)));
  assert.deepEqual([byRecognizer, byStudent, byEvaluator].map((rows) => rows?.map(({ language, agreement, sentences, words }) => [language, agreement, sentences, words])), [[['es', null, 2, 6]], [['es', 1, 2, 6]], []]);
  const checkpoints = await listCheckpoints(store, student);
  assert.deepEqual(checkpoints.map(({ step, isBest, isLast }) => [step, isBest, isLast]), [[20, true, true]]);
  const { checkpointId } = checkpoints[0] ?? assert.fail();
  assert.equal((await findModel(store, 'default'))?.checkpointId, checkpointId);
  const losses = await listMetrics(store, student, { name: 'loss' });
  assert.deepEqual([losses.length, losses[0]?.step, losses.at(-1)?.step], [20, 1, 20]);
  const types = (await listEvents(store, student, { limit: 200 })).map(({ type }) => type);
  for (const type of ['transition', 'phase', 'progress', 'metric', 'checkpoint', 'score', 'estimate']) assert.ok(types.includes(type), type);
  const download = await checkpointDownloads({ store, storage, config }).open(checkpointId, 'hf');
  assert.ok(download.sizeBytes > 10_000);
  const card = Buffer.concat(await download.stream({ start: 512, end: 4_000 }).toArray()).toString();
  assert.match(card, /\| es test \| es \| test \|/);
});

test('a student whose teacher cannot be opened for an estimate keeps its scores, and says so', async (t) => {
  const all = await world(t);
  const { service, store, datasets } = all;
  startWorkerProcess(all);
  const { train, dev, testEs, rawEs } = datasets;
  const { runs } = await service.submitPipeline({ seed: SHUT, datasets: { train: [train], dev: [dev], test: [testEs], unlabeled: [rawEs] } });
  const student = runs[2]?.runId ?? assert.fail();
  await until(store, student, 'succeeded');
  assert.deepEqual([(await listEstimates(store, student)).length, (await listScores(store, [student])).some(({ language }) => language === 'es')], [0, true]);
  const warnings = (await listEvents(store, student, { limit: 200 })).filter(({ type }) => type === 'warning');
  assert.deepEqual(warnings.map(({ message }) => message), ['F1 without gold tags could not be estimated: the file is damaged']);
});

test('a trainer that throws, or is killed whenever it is tried, fails its run with a code and a detail, and the worker goes on', async (t) => {
  const all = await world(t);
  const { store } = all;
  const [throws, killed, quick] = [await submit(all, THROWS), await submit(all, KILLED), await submit(all, 1)];
  startWorkerProcess(all);
  await until(store, quick, 'succeeded');
  // their next tries come after the others
  await until(store, throws, 'failed');
  await until(store, killed, 'failed');
  const brief = async (runId: string): Promise<unknown[]> => {
    const run = await findRun(store, runId);
    return [run?.status, run?.failureCode, run?.failureDetail, run?.attempt];
  };
  assert.deepEqual(await brief(throws), ['failed', 'OUT_OF_MEMORY', 'the device ran out of memory; try a smaller batchPieces (OOM when allocating tensor with shape[1,2])', 2]);
  assert.deepEqual(await brief(killed), ['failed', 'TRAINER_KILLED', 'the training process was killed by SIGKILL: probably the machine ran out of memory', 3]);
});

test('a run whose trainer is killed goes on at once from its last point, in halves from the second SIGKILL on, and says so', async (t) => {
  const quick = await world(t);
  const all: World = { ...quick, env: { ...quick.env, RESUME_SECONDS: '0' } };
  const { store } = all;
  const [frail, heavy] = [await submit(all, FRAIL), await submit(all, HEAVY)];
  const killed = 'the training process was killed by SIGKILL: probably the machine ran out of memory';
  const halves = 'the second time: tried again with batches of 512 pieces instead of 1024 and accumulation of 2 instead of 1, which is the same step';
  startWorkerProcess(all);
  for (const [runId, reasons, batchParts, kills] of [
    [frail, ['attempt 1: the training process was killed by SIGSEGV'], 1, 0],
    [heavy, [`attempt 1: ${killed}`, `attempt 2: ${killed}, ${halves}`], 2, 2],
  ] as const) {
    const run = await until(store, runId, 'succeeded');
    const begun = (reason: string, index: number): unknown[] => [['queued', reason, index + 1], ['running', `attempt ${index + 2}`, index + 2]];
    assert.deepEqual(run.transitions.slice(2).map(({ status, reason, attempt }) => [status, reason, attempt]), [...reasons.flatMap(begun), ['succeeded', null, reasons.length + 1]]);
    assert.deepEqual([run.batchParts, run.kills, run.maxAttempts, run.failureCode], [batchParts, kills, 3, null]);
    const told = (await listEvents(store, runId, { limit: 200 })).filter(({ level, type }) => level !== 'info' || type === 'resume');
    const after = (reason: string): unknown[] => [['transition', 'warn', `queued: ${reason}`], ['resume', 'info']];
    assert.deepEqual(told.map(({ type, level, message }) => (type === 'resume' ? [type, level] : [type, level, message])), reasons.flatMap(after));
    const losses = await listMetrics(store, runId, { name: 'loss' });
    assert.deepEqual(losses.map(({ step }) => step), Array.from({ length: 20 }, (_, index) => index + 1));
  }
});

test('a run that runs out of memory is tried once more with batches in parts, and keeps the options that were asked for', async (t) => {
  const all = await world(t);
  const { store } = all;
  const wide = await submit(all, WIDE);
  startWorkerProcess(all);
  const run = await until(store, wide, 'succeeded');
  const reason = 'attempt 1 ran out of memory: tried again with batches of 512 pieces instead of 1024 and accumulation of 2 instead of 1, which is the same step';
  assert.deepEqual(run.transitions.map(({ status, reason }) => [status, reason]), [['queued', null], ['running', null], ['queued', reason], ['running', 'attempt 2'], ['succeeded', null]]);
  assert.deepEqual([run.batchParts, run.options.batchPieces, run.options.accumulation, run.maxAttempts], [2, 1024, 1, 4]);
  const warnings = (await listEvents(store, wide, { limit: 200 })).filter(({ level }) => level === 'warn');
  assert.deepEqual(warnings.map(({ type, message }) => [type, message]), [['transition', `queued: ${reason}`]]);
});

test('a running run is cancelled within a step, and one that does not listen is killed after the grace time', async (t) => {
  const all = await world(t);
  const { store, service } = all;
  startWorkerProcess(all);
  for (const seed of [SLOW, DEAF]) {
    const runId = await submit(all, seed);
    await until(store, runId, ({ status, step }) => status === 'running' && step > 0);
    const asked = performance.now();
    await service.cancel(runId);
    await service.cancel(runId);
    await until(store, runId, 'cancelled');
    const took = performance.now() - asked;
    if (seed === DEAF) assert.ok(took > 2_800, `killed after ${took} ms, before its grace time`);
    // who hears it keeps its weights
    const [last, ...others] = await listCheckpoints(store, runId);
    assert.deepEqual([last?.isLast, others.length], [seed === SLOW ? true : undefined, 0]);
    await service.cancel(runId);
  }
});

test('a trainer stands back from its worker, and from whoever else wants the cores', async (t) => {
  const quick = await world(t);
  const all: World = { ...quick, env: { ...quick.env, TRAINER_NICE: '19' } };
  const runId = await submit(all, SLOW);
  const worker = startWorkerProcess(all);
  await until(all.store, runId, ({ step }) => step > 0);
  assert.deepEqual([getPriority(await trainerOf(worker)), getPriority(worker.pid)], [19, getPriority()]);
});

test('a worker that is stopped gives its run back and ends; the next takes it up at no cost in attempts', async (t) => {
  const all = await world(t);
  const { store } = all;
  const runId = await submit(all, SLOW);
  const first = startWorkerProcess(all);
  await until(store, runId, ({ step }) => step > 0);
  first.kill('SIGTERM');
  assert.deepEqual(await ended(first), { code: 0, signal: null });
  const back = await findRun(store, runId);
  const point = (await findResumePoint(store, runId)) ?? assert.fail();
  assert.ok(back !== null);
  assert.ok(back.step > 0 && point.step >= back.step, `a point of step ${point.step}, progress to ${back.step}`);
  assert.deepEqual([back.status, back.worker, back.transitions.at(-1)?.reason, back.maxAttempts], ['queued', null, 'its worker was stopped and gave it back', 4]);
  assert.deepEqual(await liveProcesses(store, 'worker'), []);
  startWorkerProcess(all);
  await until(store, runId, ({ attempt, step }) => attempt === 2 && step > point.step);
  const told = (await listEvents(store, runId, { limit: 500 })).filter(({ type }) => type === 'resume');
  assert.deepEqual(told.map(({ message, data }) => [message, data]), [[`resumed from step ${point.step} of attempt 1`, { step: point.step, steps: 10_000, attempt: 1 }]]);
});
