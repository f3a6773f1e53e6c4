/** What becomes of runs whose connection to Postgres breaks at the worst moment, in this process and on real Postgres; training is a fake. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import { execute } from '../../src/runs/execute.ts';
import type { Outcome } from '../../src/runs/lifecycle.ts';
import { startWorker } from '../../src/runs/work.ts';
import { listCheckpoints } from '../../src/store/checkpoints.ts';
import { findModel } from '../../src/store/models.ts';
import { beginAttempt, findRun } from '../../src/store/runs.ts';
import type { Store } from '../../src/store/store.ts';
import { fakeEngine, QUICK } from './fixtures/engine.ts';
import { losesAnswers } from './fixtures/lost-answers.ts';
import { submit, until, world, type World } from './fixtures/world.ts';

const log = pino({ level: 'silent' });

async function executed({ store, storage, config }: World, runId: string, its: Store): Promise<Outcome> {
  const { attempt } = (await beginAttempt(store, { runId, worker: 'w', device: 'cpu' })) ?? assert.fail('there is nothing to begin');
  const { signal } = new AbortController();
  return execute({ store: its, storage, config: { ...config, resumeSeconds: 0 }, engine: fakeEngine, log, versions: {}, task: { runId, attempt, device: 'cpu' }, signal });
}

/** A student whose teacher has succeeded. */
async function studentOf(all: World): Promise<string> {
  const { service, store, datasets } = all;
  const { train, dev, devEs, rawEs } = datasets;
  const teacher = (await service.submit({ kind: 'teacher', seed: QUICK, datasets: { train: [train], dev: [dev] } })).runId;
  assert.deepEqual(await executed(all, teacher, store), { status: 'succeeded' });
  return (await service.submit({ kind: 'student', seed: QUICK, datasets: { unlabeled: [rawEs], dev: [dev, devEs] }, teachers: { recognizers: [teacher], evaluators: [teacher] } })).runId;
}

test('a run that never hears that its checkpoint and its success were written has one of each, and does what comes after', async (t) => {
  const all = await world(t);
  const { store, storage } = all;
  const student = await studentOf(all);
  assert.deepEqual(await executed(all, student, losesAnswers(store, ['checkpoint', 'transition'])), { status: 'succeeded' });
  const run = await findRun(store, student);
  assert.deepEqual(run?.transitions.map(({ status }) => status), ['queued', 'running', 'succeeded']);
  const checkpoints = await listCheckpoints(store, student);
  assert.deepEqual(checkpoints.map(({ step, isBest, isLast }) => [step, isBest, isLast]), [[20, true, true]]);
  assert.equal((await findModel(store, 'default'))?.checkpointId, checkpoints[0]?.checkpointId);
  for await (const { key } of storage.list()) assert.ok(!key.startsWith('resume-points/'), `${key} is left of the resume point`);
});

test('a student begins though Postgres is away while it looks for its teachers', async (t) => {
  const all = await world(t);
  const { store } = all;
  const student = await studentOf(all);
  let asked = 0;
  const findFirst: typeof store.checkpoint.findFirst = ((...query: Parameters<typeof store.checkpoint.findFirst>) =>
    asked++ === 0 ? Promise.reject(new Error('connect ECONNREFUSED')) : store.checkpoint.findFirst(...query)) as never;
  const checkpoint = new Proxy(store.checkpoint, { get: (target, key) => (key === 'findFirst' ? findFirst : (Reflect.get(target, key) as unknown)) });
  const away = new Proxy(store, { get: (target, key) => (key === 'checkpoint' ? checkpoint : (Reflect.get(target, key) as unknown)) });
  assert.deepEqual(await executed(all, student, away), { status: 'succeeded' });
  assert.ok(asked > 1);
});

test('a run whose worker never heard that it had begun is in the queue again, and not until another worker dies', async (t) => {
  const all = await world(t);
  const { store, delivery } = all;
  const runId = await submit(all, QUICK);
  let deliver: (id: string) => Promise<void> = () => assert.fail();
  const worker = await startWorker({
    store: losesAnswers(store, ['score']),
    delivery: { ...delivery, work: (_, handle) => Promise.resolve(void (deliver = handle)), stop: () => Promise.resolve() },
    log,
    devices: ['cpu'],
    trainer: { path: 'none is started', nice: 0 },
    heartbeatSeconds: 10,
    sweepMs: 20,
  });
  all.cleaner.after(() => worker.stop());
  await assert.rejects(deliver(runId), /Connection terminated/);
  const run = await until(store, runId, 'queued');
  assert.deepEqual(run.transitions.map(({ status, attempt }) => [status, attempt]), [['queued', 0], ['running', 1], ['queued', 1]]);
});
