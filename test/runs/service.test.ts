import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RunRequest } from '../../src/runs/service.ts';
import { createRunService } from '../../src/runs/service.ts';
import { deleteDataset } from '../../src/store/datasets.ts';
import { moveRun, findRun, listRunsByStatus } from '../../src/store/runs.ts';
import type { Store } from '../../src/store/store.ts';
import { installEncoder, until, world, type Datasets } from './fixtures/world.ts';

test('a run that is submitted is queued with its resolved options, its datasets in order and one job', async (t) => {
  const { service, store, datasets } = await world(t);
  const { runId } = await service.submit({ kind: 'recognizer', seed: 7, priority: 3, datasets: { train: [datasets.train], dev: [datasets.dev], test: [datasets.test, datasets.testEs] }, options: { epochs: 2 } });
  const run = await findRun(store, runId);
  assert.ok(run !== null);
  assert.deepEqual(
    { status: run.status, kind: run.kind, seed: run.seed, encoderId: run.encoderId, experiment: run.experimentName, epochs: run.options.epochs, clip: run.options.clipNorm },
    { status: 'queued', kind: 'recognizer', seed: 7, encoderId: 'tiny-bert', experiment: 'default', epochs: 2, clip: 1 },
  );
  assert.deepEqual(run.datasets.filter(({ role }) => role === 'test').map(({ dataset }) => dataset.datasetId), [datasets.test, datasets.testEs]);
  assert.deepEqual(await jobs(store), [{ runId, state: 'created', priority: 3 }]);
});

describe('what cannot be trained is refused and leaves nothing behind', () => {
  const labeled = (d: Datasets): RunRequest => ({ kind: 'recognizer', datasets: { train: [d.train], dev: [d.dev], test: [d.test] } });
  const cases: [name: string, request: (d: Datasets) => RunRequest, code: string, message: RegExp][] = [
    ['a dataset that is not there', (d) => ({ ...labeled(d), datasets: { train: ['ds_none'] } }), 'DATASET_NOT_FOUND', /ds_none/],
    ['no dataset to train on', (d) => ({ ...labeled(d), datasets: { dev: [d.dev] } }), 'DATASETS_MISSING', /datasets\.train/],
    ['raw text for a recognizer', (d) => ({ ...labeled(d), datasets: { train: [d.rawEs] } }), 'DATASET_ROLE', /is unlabeled, and a recognizer's train datasets must be labeled/],
    ['pairs for a recognizer', (d) => ({ ...labeled(d), datasets: { train: [d.pairs] } }), 'DATASET_ROLE', /is pairs/],
    ['a test set to train on', (d) => ({ ...labeled(d), datasets: { train: [d.test] } }), 'DATASET_ROLE', /of the split test/],
    ['unlabeled datasets of an evaluator', (d) => ({ kind: 'evaluator', datasets: { train: [d.train], unlabeled: [d.rawEs] } }), 'DATASET_ROLE', /takes no unlabeled/],
    ['labeled datasets as a recognizer’s raw text', (d) => ({ ...labeled(d), datasets: { train: [d.train], unlabeled: [d.dev] } }), 'DATASET_ROLE', /a recognizer's unlabeled datasets must be unlabeled/],
    ['a test set without a shared label', (d) => ({ ...labeled(d), datasets: { train: [d.train], test: [d.otherLabels] } }), 'LABELS_DIFFER', /labels DATE, expected LOC, PER/],
    ['an encoder that is not installed', (d) => ({ ...labeled(d), encoder: 'nothing' }), 'ENCODER_NOT_FOUND', /nothing/],
    ['more frozen layers than there are', (d) => ({ ...labeled(d), options: { frozenLayers: 4 } }), 'OPTIONS_CONTRADICT', /frozenLayers 4 is more than the 3 layers of the encoder tiny-bert/],
    ['an option of another kind', (d) => ({ ...labeled(d), options: { gamma: true } }), 'OPTION_UNKNOWN_FOR_KIND', /gamma/],
    ['teachers of a recognizer', (d) => ({ ...labeled(d), teachers: { recognizers: ['run_none'] } }), 'TEACHER_ROLE', /a recognizer has no teachers/],
    ['a student without teachers', (d) => ({ kind: 'student', datasets: { unlabeled: [d.rawEs] } }), 'TEACHER_ROLE', /teachers\.recognizers/],
    ['a teacher that is not there', (d) => ({ kind: 'student', datasets: { unlabeled: [d.rawEs] }, teachers: { recognizers: ['run_none'], evaluators: [] } }), 'TEACHER_NOT_FOUND', /run_none/],
  ];
  for (const [name, request, code, message] of cases) {
    test(name, async (t) => {
      const { service, store, datasets } = await world(t);
      await assert.rejects(service.submit({ ...request(datasets), experiment: 'new' }), (error: Error & { code?: string }) => {
        assert.equal(error.code, code, error.message);
        assert.match(error.message, message);
        return true;
      });
      assert.deepEqual(await jobs(store), []);
      assert.equal(await store.experiment.count(), 0);
      assert.equal(await store.run.count(), 0);
    });
  }

  test('teachers of the wrong kind, of another encoder, or that have failed', async (t) => {
    const { service, store, datasets, delivery, config } = await world(t);
    const { runId: recognizer } = await service.submit(labeled(datasets));
    const { runId: evaluator } = await service.submit({ kind: 'evaluator', datasets: { train: [datasets.pairs] } });
    const student = (recognizers: string[], evaluators: string[]): RunRequest => ({ kind: 'student', datasets: { unlabeled: [datasets.rawEs] }, teachers: { recognizers, evaluators } });
    await assert.rejects(service.submit(student([evaluator], [evaluator])), { code: 'TEACHER_ROLE' });
    await assert.rejects(service.submit(student([recognizer], [recognizer])), { code: 'TEACHER_ROLE' });
    await installEncoder(config.encodersDir, 'tiny-distilbert');
    const other = createRunService({ store, delivery, config: { ...config, defaultEncoder: 'tiny-distilbert' } });
    await assert.rejects(other.submit(student([recognizer], [evaluator])), { code: 'TEACHER_ENCODER' });
    await moveRun(store, { runId: recognizer, from: ['queued'], to: 'failed', failure: { code: 'X', detail: 'x' } });
    await assert.rejects(service.submit(student([recognizer], [evaluator])), /has failed and has nothing to teach/);
  });
});

test('a pipeline is two teachers and a student that waits for them, each with its own datasets and options', async (t) => {
  const { service, store, datasets } = await world(t);
  const { train, dev, test: en, testEs, rawEs, rawZh } = datasets;
  const answer = await service.submitPipeline({ experiment: 'first', name: 'try', datasets: { train: [train], dev: [dev], test: [en, testEs], unlabeled: [rawEs, rawZh] }, options: { epochs: 2, gamma: false, pairBalance: 0.4 }, studentOptions: { epochs: 1, learningRate: 5e-5 } });
  assert.deepEqual(answer.runs.map(({ kind, languages }) => [kind, languages]), [['recognizer', ['en']], ['evaluator', ['en']], ['student', ['es', 'zh']]]);
  const [recognizer, evaluator, student] = await Promise.all(answer.runs.map(({ runId }) => findRun(store, runId)));
  assert.ok(recognizer && evaluator && student);
  const ids = (run: typeof recognizer, role: string): string[] => run.datasets.filter((each) => each.role === role).map(({ dataset }) => dataset.datasetId);
  assert.deepEqual([recognizer, evaluator, student].map((run) => run.status), ['queued', 'queued', 'waiting']);
  assert.deepEqual([ids(recognizer, 'test'), ids(evaluator, 'test'), ids(student, 'test')], [[en, testEs], [en], [en, testEs]]);
  assert.deepEqual([recognizer, evaluator, student].map((run) => ids(run, 'unlabeled')), [[rawEs, rawZh], [], [rawEs, rawZh]]);
  assert.deepEqual(ids(student, 'train'), []);
  assert.deepEqual([recognizer.options.epochs, evaluator.options.pairBalance, student.options.gamma], [2, 0.4, false]);
  assert.deepEqual([recognizer.options.learningRate, student.options.epochs, student.options.learningRate], [1e-4, 1, 5e-5]);
  assert.deepEqual(student.teachers, [
    { role: 'recognizer', teacherRunId: recognizer.runId, checkpointId: null },
    { role: 'evaluator', teacherRunId: evaluator.runId, checkpointId: null },
  ]);
  assert.deepEqual((await jobs(store)).map(({ runId }) => runId).sort(), [recognizer.runId, evaluator.runId].sort());
});

test('a pipeline with a student for each language scores each on its own language', async (t) => {
  const { service, store, datasets } = await world(t);
  const { train, dev, test: en, testEs, rawEs, rawZh } = datasets;
  const { runs } = await service.submitPipeline({ students: 'each', datasets: { train: [train], dev: [dev], test: [en, testEs], unlabeled: [rawEs, rawZh] } });
  assert.deepEqual(runs.slice(2).map(({ kind, languages }) => [kind, languages]), [['student', ['es']], ['student', ['zh']]]);
  const student = await findRun(store, runs[2]?.runId ?? '');
  assert.deepEqual(student?.datasets.map(({ role, dataset }) => [role, dataset.datasetId]).sort(), [['dev', dev], ['test', testEs], ['unlabeled', rawEs]].sort());
});

test('a pipeline with the preset of the article has one teacher for both roles', async (t) => {
  const { service, store, datasets } = await world(t);
  const { train, dev, test: en, rawEs, pairs } = datasets;
  const request = { datasets: { train: [train], dev: [dev], test: [en], unlabeled: [rawEs] }, options: { preset: 'article', epochs: 2 } } as const;
  const { runs } = await service.submitPipeline(request);
  assert.deepEqual(runs.map(({ kind, languages }) => [kind, languages]), [['teacher', ['en']], ['student', ['es']]]);
  const [teacher, student] = await Promise.all(runs.map(({ runId }) => findRun(store, runId)));
  assert.deepEqual([teacher?.status, student?.status], ['queued', 'waiting']);
  assert.deepEqual([teacher?.options.pairDraw, student?.options.heads, student?.options.epochs], ['uniform', 'two', 2]);
  assert.deepEqual(student?.teachers.map(({ role, teacherRunId }) => [role, teacherRunId]).sort(), [['evaluator', teacher?.runId], ['recognizer', teacher?.runId]]);
  await assert.rejects(service.submitPipeline({ ...request, datasets: { ...request.datasets, train: [train, pairs] } }), { code: 'DATASET_ROLE' });
});

test('uploaded pairs of a pipeline are the evaluator’s alone', async (t) => {
  const { service, store, datasets } = await world(t);
  const { runs } = await service.submitPipeline({ datasets: { train: [datasets.train, datasets.pairs], unlabeled: [datasets.rawEs] } });
  const [recognizer, evaluator] = await Promise.all(runs.map(({ runId }) => findRun(store, runId)));
  assert.deepEqual(recognizer?.datasets.map(({ dataset }) => dataset.datasetId), [datasets.train, datasets.rawEs]);
  assert.deepEqual(evaluator?.datasets.map(({ dataset }) => dataset.datasetId), [datasets.pairs]);
});

test('a queued run is cancelled at once, a running one is asked to, and again is harmless', async (t) => {
  const { service, store, datasets } = await world(t);
  const request: RunRequest = { kind: 'recognizer', datasets: { train: [datasets.train] } };
  const queued = await service.submit(request);
  await service.cancel(queued.runId);
  await service.cancel(queued.runId);
  assert.equal((await findRun(store, queued.runId))?.status, 'cancelled');
  const running = await service.submit(request);
  await moveRun(store, { runId: running.runId, from: ['queued'], to: 'running' });
  await service.cancel(running.runId);
  await service.cancel(running.runId);
  const run = await findRun(store, running.runId);
  assert.deepEqual(run?.transitions.map(({ status }) => status), ['queued', 'running', 'cancelling']);
  await assert.rejects(service.cancel('run_none'), { code: 'RUN_NOT_FOUND' });
  await moveRun(store, { runId: running.runId, from: ['cancelling'], to: 'failed' });
  await assert.rejects(service.cancel(running.runId), { code: 'RUN_ENDED' });
});

test('a student fails with a reason when its teacher is cancelled', async (t) => {
  const { service, store, datasets } = await world(t);
  const { runs } = await service.submitPipeline({ datasets: { train: [datasets.train], unlabeled: [datasets.rawEs] } });
  const [recognizer, , student] = runs;
  await service.cancel(recognizer?.runId ?? '');
  const run = await until(store, student?.runId ?? '', 'failed');
  assert.equal(run.failureCode, 'TEACHER_FAILED');
  assert.equal(run.failureDetail, `its teacher ${recognizer?.runId} was cancelled`);
});

test('a cancelled run is resumed with one job, a queued one is not', async (t) => {
  const { service, store, datasets } = await world(t);
  const { runId } = await service.submit({ kind: 'recognizer', datasets: { train: [datasets.train] } });
  await assert.rejects(service.resume(runId), { code: 'RUN_NOT_RESUMABLE' });
  await service.cancel(runId);
  await service.resume(runId);
  assert.equal((await findRun(store, runId))?.status, 'queued');
  assert.equal((await jobs(store)).length, 1);
});

test('a run whose dataset was deleted cannot be resumed, since its content may be gone', async (t) => {
  const { service, store, datasets } = await world(t);
  const { runId } = await service.submit({ kind: 'recognizer', datasets: { train: [datasets.train] } });
  await service.cancel(runId);
  await deleteDataset(store, datasets.train);
  await assert.rejects(service.resume(runId), { code: 'DATASET_NOT_FOUND' });
  assert.equal((await findRun(store, runId))?.status, 'cancelled');
});

test('a clone is asked for the same, but for what is said otherwise', async (t) => {
  const { service, store, datasets } = await world(t);
  const first = await service.submit({ kind: 'recognizer', experiment: 'first', seed: 5, datasets: { train: [datasets.train], test: [datasets.test] }, options: { epochs: 2, dropout: 0 } });
  const second = await service.clone(first.runId, { seed: 6, options: { epochs: 4 } });
  const run = await findRun(store, second.runId);
  assert.deepEqual([run?.experimentName, run?.seed, run?.options.epochs, run?.options.dropout], ['first', 6, 4, 0]);
  assert.deepEqual(run?.datasets.map(({ role }) => role), ['train', 'test']);
  assert.equal((await listRunsByStatus(store, ['queued'])).length, 2);
});

async function jobs(store: Store): Promise<{ runId: string; state: string; priority: number }[]> {
  return store.$queryRaw`select data->>'runId' as "runId", state::text, priority from pgboss.job where name = 'runs'`;
}
