import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDataset, deleteDataset, findDataset } from '../../src/store/datasets.ts';
import { createExperiment, deleteExperiment } from '../../src/store/experiments.ts';
import { listEvents } from '../../src/store/events.ts';
import { newId } from '../../src/store/ids.ts';
import { addMetrics, listMetrics } from '../../src/store/metrics.ts';
import { beginAttempt, createRuns, deleteRun, findRun, listRuns, moveRun, reportProgress, waitingStudents, type NewRun } from '../../src/store/runs.ts';
import type { Store } from '../../src/store/store.ts';
import { testStore } from '../helper.ts';
import { datasetOf, newRun } from './rows.ts';

test('a run moves only from the states that are named, and each move leaves a transition and an event', async (t) => {
  const { store } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  const { runId } = run;
  assert.equal(await moveRun(store, { runId, from: ['running'], to: 'succeeded' }), false);
  assert.deepEqual(await beginAttempt(store, { runId, worker: 'w1', device: 'cpu' }), { attempt: 1 });
  assert.equal(await moveRun(store, { runId, from: ['running'], to: 'failed', reason: 'no memory', failure: { code: 'OUT_OF_MEMORY', detail: 'no memory' } }), true);
  const found = await findRun(store, runId);
  assert.deepEqual(found?.transitions.map(({ status, reason }) => [status, reason]), [['queued', null], ['running', null], ['failed', 'no memory']]);
  assert.equal(found.failureCode, 'OUT_OF_MEMORY');
  assert.deepEqual((await listEvents(store, runId, { limit: 10 })).map(({ type, level }) => [type, level]), [['transition', 'info'], ['transition', 'info'], ['failure', 'error']]);
});

test('the database itself refuses an illegal move', async (t) => {
  const { store } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  await assert.rejects(moveRun(store, { runId: run.runId, from: ['queued'], to: 'succeeded' }), /cannot move from queued to succeeded/);
  assert.equal((await findRun(store, run.runId))?.status, 'queued');
});

test('what an attempt that was overtaken writes is refused', async (t) => {
  const { store } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  const { runId } = run;
  await beginAttempt(store, { runId, worker: 'w1', device: 'cpu' });
  const progress = { step: 1, steps: 2, epoch: 0.5, loss: 1, piecesPerSecond: 10, etaSeconds: 1 };
  assert.equal(await reportProgress(store, { runId, attempt: 1, ...progress }), true);
  assert.equal(await beginAttempt(store, { runId, worker: 'w2', device: 'cpu' }), null, 'a running run is not begun again');
  await requeue(store, { runId, attempt: 1 });
  assert.deepEqual(await beginAttempt(store, { runId, worker: 'w2', device: 'cpu' }), { attempt: 2 });
  assert.equal(await reportProgress(store, { runId, attempt: 1, ...progress }), false);
  assert.equal(await addMetrics(store, { runId, attempt: 1 }, [{ name: 'loss', step: 1, value: 1 }]), false);
  assert.equal(await addMetrics(store, { runId, attempt: 2 }, [{ name: 'loss', step: 1, value: NaN }]), true);
  assert.deepEqual((await listMetrics(store, runId)).map(({ name, value }) => [name, value]), [['loss', null]]);
  assert.equal(await moveRun(store, { runId, from: ['running'], to: 'queued', attempt: 1 }), false);
});

async function requeue(store: Store, { runId, attempt }: { runId: string; attempt: number }): Promise<void> {
  assert.equal(await moveRun(store, { runId, from: ['running'], to: 'queued', attempt, reason: 'the worker was lost' }), true);
}

test('a run whose workers were lost too often fails as lost', async (t) => {
  const { store } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  const { runId } = run;
  for (let attempt = 1; attempt <= 3; attempt++) {
    assert.deepEqual(await beginAttempt(store, { runId, worker: `w${attempt}`, device: 'cpu' }), { attempt });
    await requeue(store, { runId, attempt });
  }
  assert.equal(await beginAttempt(store, { runId, worker: 'w4', device: 'cpu' }), null);
  const found = await findRun(store, runId);
  assert.deepEqual([found?.status, found?.failureCode], ['failed', 'LOST']);
});

test('runs, and what is sent within their transaction, are made together or not at all', async (t) => {
  const { store } = await testStore(t);
  const runs = [await newRun(store), await newRun(store)];
  await assert.rejects(createRuns(store, runs, { within: () => Promise.reject(new Error('queue is full')) }), /queue is full/);
  assert.deepEqual((await listRuns(store, { limit: 10 })).items, []);
});

test('a dataset that a live run uses cannot be deleted; afterwards its name is free', async (t) => {
  const { store } = await testStore(t);
  const { dataset } = await createDataset(store, datasetOf('en-train'));
  const run = await newRun(store, { datasets: [{ role: 'train', datasetId: dataset.datasetId }] });
  await createRuns(store, [run]);
  await assert.rejects(deleteDataset(store, dataset.datasetId), { code: 'DATASET_IN_USE', message: new RegExp(run.runId) });
  await assert.rejects(deleteRun(store, run.runId), { code: 'RUN_IN_USE' });
  await moveRun(store, { runId: run.runId, from: ['queued'], to: 'cancelled' });
  await deleteDataset(store, dataset.datasetId);
  assert.equal(await findDataset(store, dataset.datasetId), null);
  assert.equal((await createDataset(store, datasetOf('en-train'))).isNew, true);
  await assert.rejects(createRuns(store, [{ ...run, runId: newId('run') }]), { code: 'DATASET_NOT_FOUND' });
});

test('the same content under the same name is the dataset that is there, other content is refused', async (t) => {
  const { store } = await testStore(t);
  const first = await createDataset(store, datasetOf('a'));
  const again = await createDataset(store, datasetOf('a'));
  assert.deepEqual([again.isNew, again.dataset.datasetId], [false, first.dataset.datasetId]);
  await assert.rejects(createDataset(store, { ...datasetOf('a'), digest: 'sha256:2' }), { code: 'DATASET_NAME_TAKEN', message: /sha256:1.*sha256:2/ });
});

test('pages go through every run once, newest first, while new ones come in', async (t) => {
  const { store } = await testStore(t);
  const runs: NewRun[] = [];
  for (let i = 0; i < 7; i++) runs.push(await newRun(store));
  await createRuns(store, runs);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listRuns(store, { limit: 3, cursor });
    seen.push(...page.items.map(({ runId }) => runId));
    await createRuns(store, [await newRun(store)]);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  assert.deepEqual([...seen].sort(), runs.map(({ runId }) => runId).sort());
  await assert.rejects(listRuns(store, { limit: 3, cursor: 'nonsense' }), { code: 'CURSOR_INVALID' });
});

const STATUSES = ['waiting', 'queued', 'running', 'cancelling', 'cancelled', 'succeeded', 'failed'];
const LEGAL: Readonly<Record<string, readonly string[]>> = {
  waiting: ['queued', 'cancelled', 'failed'],
  queued: ['running', 'cancelled', 'failed'],
  running: ['queued', 'cancelling', 'succeeded', 'failed'],
  cancelling: ['cancelled', 'succeeded', 'failed'],
  cancelled: ['waiting', 'queued'],
  succeeded: [],
  failed: ['waiting', 'queued'],
};

test('whoever writes, only the legal moves pass', async (t) => {
  const { store } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  for (const from of STATUSES) {
    const passed: string[] = [];
    for (const to of STATUSES.filter((status) => status !== from)) {
      await store.$executeRaw`alter table "Run" disable trigger guard_run_status`;
      await store.$executeRaw`update "Run" set status = ${from}::"RunStatus" where "runId" = ${run.runId}`;
      await store.$executeRaw`alter table "Run" enable trigger guard_run_status`;
      await store.$executeRaw`update "Run" set status = ${to}::"RunStatus" where "runId" = ${run.runId}`.then(
        () => passed.push(to),
        (error: unknown) => assert.match(String(error), /cannot move/),
      );
    }
    assert.deepEqual(passed.sort(), [...(LEGAL[from] ?? [])].sort(), from);
  }
});

test('of moves that come at once one is made', async (t) => {
  const { store } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  const { runId } = run;
  const moves = await Promise.all([1, 2, 3, 4].map(() => moveRun(store, { runId, from: ['queued'], to: 'cancelled' })));
  assert.deepEqual(moves.filter(Boolean), [true]);
  assert.equal((await findRun(store, runId))?.transitions.length, 2);
});

test('an experiment with a live run stays; a run of a deleted experiment is refused', async (t) => {
  const { store } = await testStore(t);
  const { experimentId } = await createExperiment(store, { name: 'question' });
  const run = await newRun(store, { experimentId });
  await createRuns(store, [run]);
  await assert.rejects(deleteExperiment(store, 'question'), { code: 'EXPERIMENT_IN_USE' });
  await moveRun(store, { runId: run.runId, from: ['queued'], to: 'cancelled' });
  await deleteExperiment(store, 'question');
  await assert.rejects(deleteExperiment(store, experimentId), { code: 'EXPERIMENT_NOT_FOUND' });
  await assert.rejects(createRuns(store, [await newRun(store, { experimentId })]), { code: 'EXPERIMENT_NOT_FOUND' });
  assert.notEqual((await createExperiment(store, { name: 'question' })).experimentId, experimentId);
});

test('a teacher that a live student needs stays; a student of a deleted teacher is refused', async (t) => {
  const { store } = await testStore(t);
  const teacher = await newRun(store);
  const teachers = [{ role: 'recognizer', teacherRunId: teacher.runId, checkpointId: null }];
  const student = await newRun(store, { kind: 'student', status: 'waiting', teachers });
  await createRuns(store, [teacher, student]);
  assert.deepEqual(await waitingStudents(store, teacher.runId), [{ runId: student.runId }]);
  await moveRun(store, { runId: teacher.runId, from: ['queued'], to: 'failed' });
  await assert.rejects(deleteRun(store, teacher.runId), { code: 'RUN_IN_USE', message: new RegExp(student.runId) });
  await moveRun(store, { runId: student.runId, from: ['waiting'], to: 'failed' });
  await deleteRun(store, teacher.runId);
  await assert.rejects(createRuns(store, [await newRun(store, { kind: 'student', status: 'waiting', teachers })]), { code: 'TEACHER_NOT_FOUND' });
});
