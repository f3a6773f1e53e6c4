/** Runs that go on where they were cut off, in this process and on real Postgres; training is a fake whose weights are the step that they are of. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import pg from 'pg';
import pino from 'pino';
import type { Engine } from '../../src/runs/attempt.ts';
import { GivenBack } from '../../src/runs/drive.ts';
import { execute } from '../../src/runs/execute.ts';
import type { Outcome } from '../../src/runs/lifecycle.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { listCheckpoints } from '../../src/store/checkpoints.ts';
import { listEvents } from '../../src/store/events.ts';
import { addMetrics, listMetrics } from '../../src/store/metrics.ts';
import { findResumePoint } from '../../src/store/resume-points.ts';
import { beginAttempt, deleteRun, moveRun } from '../../src/store/runs.ts';
import type { NamedTensors } from '../../src/tensor/safetensors.ts';
import type { TrainingRequest } from '../../src/training/request.ts';
import { identityOf, type ResumeState } from '../../src/training/resume.ts';
import { world, type World } from './fixtures/world.ts';

const STEPS = 10;
/** Its dev score is the best. */
const BEST = 2;

const weightsOf = (step: number): NamedTensors => ({ weight: { shape: [2], data: Float32Array.of(step, step) } });

interface Attempt {
  readonly before?: (step: number) => unknown;
  readonly storage?: Storage;
  readonly isGpu?: boolean;
  readonly stopping?: AbortController;
}

interface Fixture extends World {
  readonly runId: string;
  /** From which step each attempt trained. */
  readonly begunAt: number[];
  attempt(how?: Attempt): Promise<Outcome>;
  /** What one attempt leaves for the next: the run is in the queue again. */
  requeue(): Promise<unknown>;
  messages(type: string): Promise<string[]>;
  artifacts(folder: string): Promise<string[]>;
}

async function fixture(t: TestContext): Promise<Fixture> {
  const all = await world(t);
  const { store, storage, config, datasets, service, env } = all;
  const { runId } = await service.submit({ kind: 'recognizer', datasets: { train: [datasets.train], dev: [datasets.dev] } });
  const begunAt: number[] = [];
  return {
    ...all,
    runId,
    begunAt,
    async attempt({ before = () => undefined, isGpu = false, stopping = new AbortController(), ...how } = {}) {
      const { attempt } = (await beginAttempt(store, { runId, worker: 'w', device: 'cpu' })) ?? assert.fail('there is nothing to begin');
      const engine: Engine = {
        start: () => Promise.resolve({ device: 'cpu', isGpu, backend: 'fake', libtensorflow: '0.0.0', kernels: 'composed' as const }),
        train: (request) => fakeTraining(request, { before, begunAt }),
        open: () => Promise.reject(new Error('a recognizer has no teacher')),
      };
      return execute({ store, storage: how.storage ?? storage, config: { ...config, resumeSeconds: 60 }, engine, log: pino({ level: 'silent' }), versions: { mtmt: isGpu ? '2' : '1' }, task: { runId, attempt, device: 'cpu' }, signal: stopping.signal });
    },
    requeue: () => moveRun(store, { runId, from: ['running'], to: 'queued' }),
    messages: async (type) => (await listEvents(store, runId, { limit: 200 })).filter((event) => event.type === type).map(({ message }) => message),
    artifacts: (folder) => readdir(join(env['ARTIFACTS_DIR'] ?? '', folder)).catch(() => []),
  };
}

async function* fakeTraining(request: TrainingRequest, { before, begunAt }: { before: (step: number) => unknown; begunAt: number[] }): ReturnType<Engine['train']> {
  const { from, encoder, signal, dev } = request;
  const facts = { config: encoder.config, labels: [], tags: [], tokenizerDigest: encoder.tokenizerDigest, wordPiece: 'first' as const, maxPieces: 32 };
  const identity = identityOf(request, { steps: STEPS, facts });
  let step = from?.step ?? 0;
  begunAt.push(step);
  assert.deepEqual(from?.tensors, from === undefined ? undefined : weightsOf(step));
  let bests = from?.bests ?? [];
  for (const { weights, step: chosen } of bests) assert.deepEqual(weights, weightsOf(chosen));
  if (from !== undefined) yield { type: 'resumed', step, steps: STEPS };
  while (step < STEPS && !signal.aborted) {
    step++;
    await before(step);
    yield { type: 'step', step, steps: STEPS, epoch: 1, loss: 1 / step, learningRate: 1, gradNorm: 1, piecesPerSecond: 1, etaSeconds: 1 };
    if (step === BEST) {
      bests = [{ step, weights: weightsOf(step), values: { 'source-dev': 0.5 } }];
      const rows = dev.map(({ datasetId, language, split }) => ({ datasetId, language, split, name: 'f1', value: 0.5 }));
      yield { type: 'dev', step, epoch: 1, name: 'f1', value: 0.5, isBest: true, judgements: [{ selection: 'source-dev', value: 0.5, isBest: true }], rows };
    }
    const state: ResumeState = { identity, step, isJudged: true, pieces: step, seconds: step, sinceBest: 0, averaged: 0, tensors: weightsOf(step), bests };
    yield { type: 'point', step, take: () => state };
  }
  for (const { weights: tensors, ...best } of bests) yield { type: 'checkpoint', step: best.step, isBest: true, isLast: false, selections: ['source-dev'], scores: {}, calibration: null, tensors, facts };
  yield { type: 'checkpoint', step, isBest: false, isLast: true, selections: ['last'], scores: {}, calibration: null, tensors: weightsOf(step), facts };
  signal.throwIfAborted();
  return { recognizer: null, evaluator: null, selection: 'source-dev', choices: [], use: () => undefined, dispose: () => undefined };
}

const stopAt = (at: number, reason: Error = new GivenBack()): Attempt => {
  const stopping = new AbortController();
  return { stopping, before: (step) => step === at && stopping.abort(reason) };
};
const stepsOf = async ({ store, runId }: Fixture): Promise<number[]> => (await listCheckpoints(store, runId)).map(({ step }) => step);

test('a run that is given back goes on from its last step, says so, and leaves no point behind when it succeeds', async (t) => {
  const all = await fixture(t);
  const { store, runId, begunAt } = all;
  assert.deepEqual(await all.attempt(stopAt(5)), { status: 'cancelled' });
  const point = (await findResumePoint(store, runId)) ?? assert.fail();
  assert.deepEqual([point.step, point.attempt, point.storageKeys.length], [5, 1, 2]);
  assert.deepEqual([(await all.artifacts('resume-points')).length, await stepsOf(all)], [2, []]);
  // what the first attempt would have told after the point, had it been killed
  await addMetrics(store, { runId, attempt: 1 }, [{ name: 'loss', step: 7, value: 99 }, { name: 'f1', step: 7, split: 'dev', value: 99 }]);
  await all.requeue();
  assert.deepEqual(await all.attempt(), { status: 'succeeded' });
  assert.deepEqual(begunAt, [0, 5]);
  assert.deepEqual(await all.messages('resume'), ['resumed from step 5 of attempt 1']);
  assert.deepEqual(await all.messages('warning'), []);
  assert.deepEqual((await listMetrics(store, runId, { name: 'loss' })).map(({ step, value }) => [step, value]), Array.from({ length: STEPS }, (_, index) => [index + 1, 1 / (index + 1)]));
  assert.deepEqual((await listMetrics(store, runId, { name: 'f1', split: 'dev' })).map(({ step, language }) => [step, language]), [[BEST, ''], [BEST, 'en']]);
  assert.deepEqual([await stepsOf(all), await findResumePoint(store, runId), await all.artifacts('resume-points')], [[BEST, STEPS], null, []]);
});

test('a cancelled run has checkpoints of where it ended, and goes on from there when it is resumed', async (t) => {
  const all = await fixture(t);
  const { store, runId, service, begunAt } = all;
  assert.deepEqual(await all.attempt({ ...stopAt(6, new Error('cancelled')) }), { status: 'cancelled' });
  const checkpoints = await listCheckpoints(store, runId);
  assert.deepEqual(checkpoints.map(({ step, isBest, isLast }) => [step, isBest, isLast]), [[BEST, true, false], [6, false, true]]);
  await moveRun(store, { runId, from: ['running'], to: 'cancelling' });
  await moveRun(store, { runId, from: ['cancelling'], to: 'cancelled' });
  await service.resume(runId);
  assert.deepEqual(await all.attempt(), { status: 'succeeded' });
  assert.deepEqual(begunAt, [0, 6]);
  const after = await listCheckpoints(store, runId);
  assert.deepEqual(after.map(({ step, isBest, isLast }) => [step, isBest, isLast]), [[BEST, true, false], [6, false, false], [STEPS, false, true]]);
  assert.deepEqual(after.slice(0, 2).map(({ checkpointId }) => checkpointId), checkpoints.map(({ checkpointId }) => checkpointId));
});

test('a point takes the place of the one before, and weights that were chosen before are not written again', async (t) => {
  const all = await fixture(t);
  const { store, runId, storage } = all;
  const written: string[] = [];
  const watched: Storage = { ...storage, write: async (prefix, ...rest) => (written.push(prefix), storage.write(prefix, ...rest)) };
  for (const at of [3, 5, 7]) {
    if (at > 3) await all.requeue();
    await all.attempt({ ...stopAt(at), storage: watched });
  }
  assert.equal(written.filter((prefix) => prefix === 'resume-points').length, 4);
  const point = (await findResumePoint(store, runId)) ?? assert.fail();
  assert.deepEqual([point.step, point.attempt], [7, 3]);
  assert.deepEqual((await all.artifacts('resume-points')).map((name) => `resume-points/${name}`).sort(), [...point.storageKeys].sort());
  await moveRun(store, { runId, from: ['running'], to: 'failed' });
  await deleteRun(store, runId);
  assert.equal(await findResumePoint(store, runId), null);
});

test('other hardware and another version are a warning, and no reason to begin anew', async (t) => {
  const all = await fixture(t);
  await all.attempt(stopAt(4));
  await all.requeue();
  assert.deepEqual(await all.attempt({ isGpu: true }), { status: 'succeeded' });
  assert.deepEqual(all.begunAt, [0, 4]);
  assert.deepEqual(await all.messages('warning'), ['what trains now is not what trained before, so that last bits may differ: device gpu (then cpu), mtmt 2 (then 1)']);
});

test('a point that is damaged or gone is said, and training begins anew', async (t) => {
  for (const [damage, message] of [
    [async (path: string) => writeFile(path, 'nothing'), /training begins anew, for its resume point cannot be read: The artifact .* is damaged: its digest is sha256/],
    [async (path: string, storage: Storage) => storage.remove(path.slice(path.indexOf('resume-points'))), /training begins anew, .* is not in storage/],
  ] as const) {
    const all = await fixture(t);
    await all.attempt(stopAt(4));
    const { storageKeys: [key = ''] } = (await findResumePoint(all.store, all.runId)) ?? assert.fail();
    await damage(await all.storage.localPath(key), all.storage);
    await all.requeue();
    assert.deepEqual(await all.attempt(), { status: 'succeeded' });
    assert.deepEqual(all.begunAt, [0, 0]);
    assert.match((await all.messages('warning')).join(), message);
    assert.equal((await listMetrics(all.store, all.runId, { name: 'loss' })).length, STEPS);
  }
});

const fullDisk = (storage: Storage, full: string): Storage => ({
  ...storage,
  write: (prefix, ...rest) => (prefix === full ? Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })) : storage.write(prefix, ...rest)),
});

test('a disk that takes no point costs a warning, one that takes no checkpoint the run', async (t) => {
  const all = await fixture(t);
  await all.attempt({ ...stopAt(3), storage: fullDisk(all.storage, 'resume-points') });
  const [warning = '', ...others] = await all.messages('warning');
  assert.match(warning, /the resume point of step 3 could not be kept: there is no space left on the disk/);
  assert.deepEqual([others, await findResumePoint(all.store, all.runId)], [[], null]);
  await all.requeue();
  const outcome = await all.attempt({ storage: fullDisk(all.storage, 'checkpoints') });
  assert.deepEqual([outcome.status, outcome.status === 'failed' && outcome.failure.code], ['failed', 'DISK_FULL']);
});

test('a point whose second artifact finds no room leaves none of its own, and the former one in place', async (t) => {
  const all = await fixture(t);
  const { store, runId, storage } = all;
  await all.attempt(stopAt(1));
  await all.requeue();
  let writes = 0;
  const full: Storage = { ...storage, write: (...args) => (++writes === 2 ? Promise.reject(new Error('ENOSPC')) : storage.write(...args)) };
  await all.attempt({ ...stopAt(3), storage: full });
  const point = (await findResumePoint(store, runId)) ?? assert.fail();
  assert.deepEqual([point.step, (await all.artifacts('resume-points')).length], [1, 1]);
});

test('an attempt that was overtaken writes no point over that of the next, and leaves no artifact', async (t) => {
  const all = await fixture(t);
  const { store, runId } = all;
  const stopping = new AbortController();
  const overtaken = await all.attempt({
    stopping,
    async before(step) {
      if (step !== 4) return;
      await all.requeue();
      await all.attempt(stopAt(3));
      stopping.abort(new GivenBack());
    },
  });
  assert.deepEqual([overtaken, all.begunAt], [{ status: 'cancelled' }, [0, 0]]);
  const point = (await findResumePoint(store, runId)) ?? assert.fail();
  assert.deepEqual([point.step, point.attempt], [3, 2]);
  assert.deepEqual((await all.artifacts('resume-points')).map((name) => `resume-points/${name}`).sort(), [...point.storageKeys].sort());
});

test('training goes on while Postgres is away, and nothing that it told is lost', async (t) => {
  const all = await fixture(t);
  const { store, runId, env } = all;
  const url = new URL(env['DATABASE_URL'] ?? '');
  const name = url.pathname.slice(1);
  const admin = new pg.Client({ connectionString: Object.assign(new URL(url), { pathname: '/postgres' }).href });
  await admin.connect();
  t.after(() => admin.end());
  let trained = 0;
  const outcome = await all.attempt({
    async before(step) {
      trained = step;
      if (step === 3) {
        await admin.query(`alter database ${name} with allow_connections false`);
        await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
      }
      // long enough for a progress to be due
      if (step > 3) await wait(150);
      if (step === 9) await admin.query(`alter database ${name} with allow_connections true`);
    },
  });
  assert.deepEqual([outcome, trained], [{ status: 'succeeded' }, STEPS]);
  assert.equal((await listMetrics(store, runId, { name: 'loss' })).length, STEPS);
});
