/** Workers that are lost: real processes, killed in the middle of a run; only the training itself is a fake. */
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'node:test';
import { findRun } from '../../src/store/runs.ts';
import { SLOW } from './fixtures/engine.ts';
import { ended, startWorkerProcess, submit, until, world } from './fixtures/world.ts';

test('a worker that is killed leaves a run that says so and goes on in the next worker', async (t) => {
  const all = await world(t);
  const { store } = all;
  const runId = await submit(all, SLOW);
  const first = startWorkerProcess(all);
  const begun = await until(store, runId, ({ step }) => step > 5);
  first.kill('SIGKILL');
  await ended(first);
  // Its trainer ends with it: half a second later nothing writes any more.
  await wait(500);
  const at = (await findRun(store, runId))?.step;
  await wait(1_000);
  assert.equal((await findRun(store, runId))?.step, at);
  startWorkerProcess(all);
  const again = await until(store, runId, ({ attempt, step }) => attempt === 2 && step > 0);
  assert.deepEqual(again.transitions.slice(-2).map(({ status, reason }) => [status, reason]), [['queued', `attempt 1: the worker ${begun.worker} was lost`], ['running', 'attempt 2']]);
  assert.notEqual(again.worker, begun.worker);
  await all.service.cancel(runId);
  const cancelled = await until(store, runId, 'cancelled');
  assert.deepEqual(cancelled.transitions.map(({ status }) => status), ['queued', 'running', 'queued', 'running', 'cancelling', 'cancelled']);
});

test('a run whose workers are lost again and again fails as lost', async (t) => {
  const all = await world(t);
  const { store } = all;
  const runId = await submit(all, SLOW);
  await store.run.update({ where: { runId }, data: { maxAttempts: 1 } });
  const first = startWorkerProcess(all);
  await until(store, runId, ({ step }) => step > 0);
  first.kill('SIGKILL');
  startWorkerProcess(all);
  const run = await until(store, runId, 'failed');
  assert.equal(run.failureCode, 'LOST');
});

test('a delivery that comes again while a live worker trains the run changes nothing', async (t) => {
  const all = await world(t);
  const { store, service } = all;
  const runId = await submit(all, SLOW);
  startWorkerProcess(all);
  await until(store, runId, ({ step }) => step > 0);
  // As after a job's expiry, or a supervisor that was too quick: the claim is gone and the job is there for anybody.
  await store.$executeRaw`update pgboss.job set state = 'retry', retry_count = retry_count + 1, start_after = now() where data->>'runId' = ${runId}`;
  startWorkerProcess(all);
  await until(store, runId, ({ step }) => step > 300);
  const deliveries: { retry_count: number }[] = await store.$queryRaw`select retry_count from pgboss.job where data->>'runId' = ${runId}`;
  assert.ok((deliveries[0]?.retry_count ?? 0) > 1, 'the second worker was given the job');
  await service.cancel(runId);
  const run = await until(store, runId, 'cancelled');
  assert.deepEqual([run.attempt, run.transitions.map(({ status }) => status)], [1, ['queued', 'running', 'cancelling', 'cancelled']]);
});
