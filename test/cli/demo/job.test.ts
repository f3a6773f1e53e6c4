import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { apiClient, type Upload } from '../../../src/cli/client/api.ts';
import { mainJob, type Job } from '../../../src/cli/demo/job.ts';
import { fakeService, recordedOutput, scoreOf, SUCCEEDED, TRAINING, type FakeRun, type FakeService } from '../client/fixtures.ts';

const SETS: Upload[] = [
  { name: 'demo-en-train', kind: 'labeled', language: 'en', split: 'train', content: 'Ada\tB-PER\nleft\tO\n' },
  { name: 'demo-en-dev', kind: 'labeled', language: 'en', split: 'dev', content: 'Bo\tB-PER\n' },
  { name: 'demo-es-unlabeled', kind: 'unlabeled', language: 'es', split: 'train', content: 'Hola\n' },
  { name: 'demo-es-dev', kind: 'labeled', language: 'es', split: 'dev', content: 'Eva\tB-PER\n' },
  { name: 'demo-es-test', kind: 'labeled', language: 'es', split: 'test', content: 'Eva\tB-PER\n' },
];

function pipeline(): FakeRun[] {
  return [
    { kind: 'recognizer', states: [TRAINING, SUCCEEDED], scores: [scoreOf('es', { tp: 1, fp: 1, fn: 1 })] },
    { kind: 'evaluator', states: [SUCCEEDED] },
    { kind: 'student', states: [{ status: 'waiting' }, SUCCEEDED], scores: [scoreOf('es', { tp: 3, fp: 1, fn: 1 })] },
  ];
}

async function runJob(service: FakeService, o: Partial<Job> = {}): Promise<string[]> {
  const output = recordedOutput();
  const { signal } = new AbortController();
  const job = { sets: SETS, options: { epochs: 2 }, studentOptions: {}, encoder: 'tiny', isOwnData: true, output, signal, pollMs: 1, ...o };
  await mainJob(apiClient(service.url, { signal: job.signal }), job);
  return output.lines;
}

const routesOf = ({ received }: FakeService): string[] => received.map(({ route }) => route);
const bodyOf = ({ received }: FakeService, route: string): unknown => received.find((each) => each.route === route)?.body;
const started = async (t: TestContext, o: Partial<Parameters<typeof fakeService>[1]> = {}): Promise<FakeService> => fakeService(t, { runs: pipeline(), ...o });

test('It uploads, submits a pipeline, waits for its runs and prints scores, tagged text and what to go on with', async (t) => {
  const service = await started(t);
  const lines = await runJob(service);
  assert.ok(lines.includes('  es                          50.0        75.0       +25.0           4           4           3'), lines.join('\n'));
  assert.ok(lines.some((line) => line.startsWith('  es  [Rosalía PER] Carvajal')));
  assert.ok(lines.includes(`Docs:    ${service.url}/docs`));
  assert.equal(lines.filter((line) => line.startsWith('  curl ')).length, 3);
});

test('Figures name what chose the checkpoint, and both protocols stand side by side where both were scored', async (t) => {
  const alone = await runJob(await started(t));
  assert.ok(alone.some((line) => line.endsWith('checkpoints chosen by source-dev)')));
  assert.ok(!alone.some((line) => line.includes('target-dev')));
  const runs = pipeline();
  for (const run of runs) run.scores = run.scores?.map(({ tp, fp, fn }) => scoreOf('es', { tp, fp, fn }, 0.8)) ?? [];
  const both = await runJob(await started(t, { runs }));
  assert.ok(both.includes('  es                           50.0             75.0             80.0             80.0'), both.join('\n'));
});

test('An upload has its fields and its file', async (t) => {
  const service = await started(t);
  await runJob(service);
  assert.deepEqual(bodyOf(service, 'POST /datasets'), {
    name: 'demo-en-train',
    kind: 'labeled',
    language: 'en',
    split: 'train',
    format: 'conll',
    file: 'Ada\tB-PER\nleft\tO\n',
  });
});

test('A target’s dev set goes along for the figures by target-dev, unless it has labels that the source has not got', async (t) => {
  const service = await started(t);
  await runJob(service, { sets: [...SETS, { name: 'demo-nl-dev', kind: 'labeled', language: 'nl', split: 'dev', content: 'Mei\tB-DATE\n' }] });
  const { datasets, options, experiment } = bodyOf(service, 'POST /pipelines') as Record<string, unknown>;
  assert.deepEqual(datasets, { train: ['ds_demo-en-train'], dev: ['ds_demo-en-dev', 'ds_demo-es-dev'], test: ['ds_demo-es-test'], unlabeled: ['ds_demo-es-unlabeled'] });
  assert.deepEqual({ options, experiment }, { options: { epochs: 2 }, experiment: 'demo' });
});

test('A second demo trains nothing again', async (t) => {
  const service = await started(t);
  await runJob(service);
  const lines = await runJob(service);
  assert.equal(routesOf(service).filter((route) => route === 'POST /pipelines').length, 1);
  assert.ok(lines.some((line) => line.startsWith('  student')));
});

test('A demo with other options or another encoder trains anew', async (t) => {
  const service = await started(t);
  await runJob(service);
  await runJob(service, { options: { epochs: 3 } });
  await runJob(service, { encoder: 'other' });
  assert.equal(routesOf(service).filter((route) => route === 'POST /pipelines').length, 3);
});

test('Runs that an earlier demo left unfinished are waited for, not submitted again', async (t) => {
  const service = await started(t);
  const leaving = new AbortController();
  const runs = pipeline();
  runs[0] = { kind: 'recognizer', states: [TRAINING] };
  const interrupted = await fakeService(t, { runs });
  setTimeout(() => leaving.abort(), 100);
  await assert.rejects(runJob(interrupted, { signal: leaving.signal }), { name: 'AbortError' });
  runs[0].states = [SUCCEEDED];
  await runJob(interrupted);
  assert.equal(routesOf(interrupted).filter((route) => route === 'POST /pipelines').length, 1);
  assert.equal(service.received.length, 0);
});

test('A run that failed ends the demo with its code and detail, and is resumed by the next one', async (t) => {
  const runs = pipeline();
  const [recognizer] = runs;
  assert.ok(recognizer);
  recognizer.states = [{ status: 'failed', failure: { code: 'OUT_OF_MEMORY', detail: 'the device ran out of memory' } }];
  const service = await started(t, { runs });
  await assert.rejects(runJob(service), { message: 'The recognizer run_recognizer failed: OUT_OF_MEMORY: the device ran out of memory' });
  const lines = await runJob(service);
  assert.ok(lines.includes('The recognizer failed before (OUT_OF_MEMORY) and is tried again'));
  assert.deepEqual(routesOf(service).filter((route) => route.endsWith('/resume')), ['POST /runs/run_recognizer/resume']);
});

test('A run that was cancelled ends the demo', async (t) => {
  const runs = pipeline();
  runs[1] = { kind: 'evaluator', states: [{ status: 'cancelled' }] };
  const service = await started(t, { runs });
  await assert.rejects(runJob(service), { message: 'The evaluator run_evaluator was cancelled' });
});

test('A student that is not the default model is named in the request and in the curl line', async (t) => {
  const service = await started(t, { defaultCheckpoint: 'ckpt_older' });
  const lines = await runJob(service);
  assert.equal((bodyOf(service, 'POST /ner') as { model?: string }).model, 'ckpt_student');
  assert.ok(lines.some((line) => line.includes('"model":"ckpt_student"')));
});

test('What the corpora of others show is not said of them', async (t) => {
  const service = await started(t);
  assert.ok((await runJob(service)).some((line) => line.includes('generated by the project')));
  assert.ok(!(await runJob(service, { isOwnData: false })).some((line) => line.includes('generated by the project')));
});

test('A problem is said with status, code, detail and places', async (t) => {
  const service = await started(t);
  const errors = [{ line: 3, column: 5, detail: 'B-XYZ is no tag' }, { pointer: '/name', detail: 'is taken' }];
  service.fail('POST /datasets', 422, { status: 422, code: 'DATASET_INVALID', detail: 'The dataset has 1 error', errors });
  await assert.rejects(runJob(service), {
    message: '422 DATASET_INVALID: The dataset has 1 error\n  line 3, column 5: B-XYZ is no tag\n  /name: is taken',
  });
});

test('An experiment that is there is used', async (t) => {
  const service = await started(t);
  service.fail('POST /experiments', 409, { status: 409, code: 'EXPERIMENT_NAME_TAKEN', detail: 'There is an experiment "demo"' });
  await runJob(service);
});
