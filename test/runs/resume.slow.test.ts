/** Runs whose processes are really killed while they train, really, on an encoder so small that nothing is learned. */
import assert from 'node:assert/strict';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { listCheckpoints } from '../../src/store/checkpoints.ts';
import { listEvents } from '../../src/store/events.ts';
import { listMetrics } from '../../src/store/metrics.ts';
import { findResumePoint } from '../../src/store/resume-points.ts';
import type { RunRecord } from '../../src/store/runs.ts';
import { ended, startWorkerProcess, trainerOf, until, world, type World } from './fixtures/world.ts';

const WORKER = fileURLToPath(new URL('../../src/worker.ts', import.meta.url));
/** Each is scored on dev, which takes longer than a step; enough for several points, which come no sooner than 50 times what the last one took. */
const STEPS = 600;
const ENDED = ['succeeded', 'failed', 'cancelled'];

const endOf = ({ store }: World, runId: string): Promise<RunRecord> => until(store, runId, ({ status }) => ENDED.includes(status), 400_000);

async function pointAfter({ store }: World, runId: string, step: number): Promise<void> {
  while (((await findResumePoint(store, runId))?.step ?? 0) <= step) {
    const run = await until(store, runId, () => true);
    assert.ok(!ENDED.includes(run.status), `the run has ${run.status} without a point: ${run.failureDetail}`);
    await wait(20);
  }
}

/** Weights are content-addressed: equal digests are equal bits. */
async function numbersOf({ store }: World, runId: string): Promise<unknown> {
  const checkpoints = (await listCheckpoints(store, runId)).map(({ step, digest, isBest, isLast }) => [step, digest, isBest, isLast]);
  const metrics = (await listMetrics(store, runId)).filter(({ name }) => name !== 'piecesPerSecond').map(({ name, step, language, value }) => [name, step, language, value]);
  return { checkpoints, metrics };
}

async function resumedFrom({ store }: World, runId: string): Promise<number[]> {
  const events: number[] = [];
  for (let after = 0; ; ) {
    const page = await listEvents(store, runId, { after, limit: 500 });
    events.push(...page.filter(({ type }) => type === 'resume').map(({ data }) => Number(data['step'])));
    const last = page.at(-1);
    if (last === undefined) return events;
    after = last.eventId;
  }
}

test('runs whose trainer or worker is killed end with the weights and the history of those that nobody killed, to the bit', async (t) => {
  const quick = await world(t);
  const all: World = { ...quick, env: { ...quick.env, RESUME_SECONDS: '0' } };
  const { service, datasets } = all;
  let worker = startWorkerProcess(all, WORKER);
  const options = { epochs: STEPS, batchPieces: 64, maxPieces: 32, learningRate: 1e-3 } as const;
  const { train, dev, devEs, rawEs } = datasets;
  const submit = async (request: Partial<Parameters<typeof service.submit>[0]>): Promise<string> =>
    (await service.submit({ kind: 'teacher', options, datasets: { train: [train], dev: [dev, devEs] }, ...request })).runId;
  const teacher = await submit({});
  assert.equal((await endOf(all, teacher)).status, 'succeeded');
  const student = { kind: 'student', datasets: { unlabeled: [rawEs], dev: [dev, devEs] }, teachers: { recognizers: [teacher], evaluators: [teacher] } } as const;
  for (const request of [{}, student]) {
    const [whole, cut] = [await submit(request), await submit(request)];
    assert.equal((await endOf(all, whole)).status, 'succeeded');
    // the first point of an attempt comes at once, however long points take; a second one may not come at all
    await pointAfter(all, cut, 0);
    process.kill(await trainerOf(worker), 'SIGKILL');
    await until(all.store, cut, ({ status }) => status === 'queued');
    const at = (await findResumePoint(all.store, cut))?.step ?? 0;
    await pointAfter(all, cut, at);
    worker.kill('SIGKILL');
    await ended(worker);
    worker = startWorkerProcess(all, WORKER);
    const run = await endOf(all, cut);
    assert.deepEqual([run.status, run.attempt], ['succeeded', 3], `${run.failureCode} ${run.failureDetail}`);
    const resumed = await resumedFrom(all, cut);
    assert.ok(resumed.length === 2 && resumed[0] === at && Number(resumed[1]) > at && Number(resumed[1]) < STEPS, `resumed from ${resumed}, killed after ${at}`);
    assert.deepEqual(await numbersOf(all, cut), await numbersOf(all, whole));
    assert.equal(await findResumePoint(all.store, cut), null);
  }
});
