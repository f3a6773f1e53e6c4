import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runStudy, type Study, type StudyOutcome } from '../../../src/cli/benchmark/study.ts';
import { ApiProblem, type ApiClient } from '../../../src/cli/client/api.ts';
import type { Run } from '../../../src/schemas/run.ts';
import { planStudy, resolvedOptions, type PlannedRun, type StudyDataset, type StudyRequest } from '../../../src/study/plan.ts';
import { estimateOf } from '../../study/fixtures.ts';
import { recordedOutput, runOf } from '../client/fixtures.ts';

const set = (language: string, kind: 'labeled' | 'unlabeled', split: 'train' | 'test'): StudyDataset => ({ datasetId: `ds_${language}_${split}`, name: `${language} ${split}`, kind, language, split, digest: `sha256:${language}${split}`, labels: kind === 'labeled' ? ['PER'] : [], sentences: 1, words: 2 });
const DATASETS = [set('en', 'labeled', 'train'), set('es', 'unlabeled', 'train'), set('es', 'labeled', 'test')];
const REQUEST: StudyRequest = { datasets: DATASETS, encoder: 'tiny', options: {}, studentOptions: {}, seeds: 1, systems: null, timedSteps: null };
const { runs: PLAN } = planStudy(REQUEST);
const ESTIMATE = estimateOf('es', 0.5, 0.6);
const NAMES = PLAN.map(({ name }) => name);

interface FakeClient {
  readonly client: ApiClient;
  readonly rows: Run[];
  readonly calls: string[];
}

/** A store whose runs end as `fate` says at the first look at them. */
function fakeClient(fate: (name: string) => Partial<Run> = () => ({ status: 'succeeded' })): FakeClient {
  const rows: Run[] = [];
  const calls: string[] = [];
  const find = (runId: string): Run => rows.find((run) => run.runId === runId) ?? assert.fail(runId);
  const change = (runId: string, to: Partial<Run>): Run => {
    const index = rows.findIndex((run) => run.runId === runId);
    const status = to.status ?? 'queued';
    return (rows[index] = { ...find(runId), ...to, terminal: ['succeeded', 'failed', 'cancelled'].includes(status), startedAt: '2030-01-01T00:00:00Z', endedAt: '2030-01-01T00:01:40Z' });
  };
  const client: Partial<ApiClient> = {
    runs: (_experiment, filter) => Promise.resolve(rows.filter((run) => filter === `tags.study="${run.tags['study']}"`).reverse()),
    submitRun: ({ kind, name = '', tags = {}, options = {}, seed = 1, teachers = {} }) => {
      calls.push(`submit ${name}`);
      const run: Run = { ...runOf(kind), runId: `run_${rows.length}`, name, tags, seed, teachers, options: resolvedOptions({ kind, options }) };
      rows.push(run);
      return Promise.resolve(run);
    },
    run: (runId) => Promise.resolve(find(runId).terminal ? find(runId) : change(runId, fate(find(runId).name))),
    resume: (runId) => {
      calls.push(`resume ${find(runId).name}`);
      if (find(runId).status === 'succeeded') throw new ApiProblem({ type: '', title: '', status: 409, code: 'RUN_NOT_RESUMABLE', detail: '', requestId: '' });
      change(runId, { status: 'queued' });
      return Promise.resolve();
    },
    cancel: (runId) => {
      calls.push(`cancel ${find(runId).name}`);
      change(runId, { status: 'cancelled' });
      return Promise.resolve();
    },
    scores: () => Promise.resolve([]),
    estimates: (runId) => Promise.resolve(find(runId).kind === 'recognizer' ? [ESTIMATE] : []),
    events: () => Promise.resolve([]),
  };
  return { client: client as ApiClient, rows, calls };
}

function study(client: ApiClient, o: Partial<Study> = {}): Promise<StudyOutcome> {
  const { signal } = new AbortController();
  return runStudy(client, { experiment: 'method', encoder: 'tiny', runs: PLAN, budgetSeconds: null, output: recordedOutput(), signal, pollMs: 1, ...o });
}

test('Runs are submitted in the order of the plan, students with the ids of their teachers', async () => {
  const { client, rows, calls } = fakeClient();
  const { finished, missing } = await study(client);
  assert.deepEqual(calls, NAMES.map((name) => `submit ${name}`));
  assert.deepEqual([finished.map(({ name }) => name), missing], [NAMES, []]);
  assert.deepEqual(rows.at(-1)?.teachers, { recognizers: ['run_0'], evaluators: ['run_1'] });
  assert.equal(finished[0]?.seconds, 100);
});

test('An ensemble is submitted last, with the teachers of every seed; the article’s student with one teacher in both roles', async () => {
  const { client, rows } = fakeClient();
  const { runs } = planStudy({ ...REQUEST, seeds: 2, systems: ['article', 'ensemble'] });
  const { finished } = await study(client, { runs });
  assert.equal(finished.length, runs.length);
  const idOf = (name: string): string => rows.find((row) => row.name === name)?.runId ?? assert.fail(name);
  assert.deepEqual(rows.slice(-2).map(({ name, teachers }) => ({ name, teachers })), [1, 2].map((seed) => ({
    name: `seed ${seed} ensemble`,
    teachers: { recognizers: [idOf('seed 1 recognizer'), idOf('seed 2 recognizer')], evaluators: [idOf('seed 1 evaluator'), idOf('seed 2 evaluator')] },
  })));
  const shared = [idOf('seed 2 teacher of article')];
  assert.deepEqual(rows.find(({ name }) => name === 'seed 2 article')?.teachers, { recognizers: shared, evaluators: shared });
});

test('An ensemble lacks a teacher where one seed does', async () => {
  const { client } = fakeClient((name) => ({ status: name === 'seed 2 evaluator' ? 'failed' : 'succeeded' }));
  const { missing } = await study(client, { runs: planStudy({ ...REQUEST, seeds: 2, systems: ['ensemble'] }).runs });
  assert.deepEqual(missing.slice(1), ['seed 1 ensemble', 'seed 2 ensemble'].map((name) => ({ name, reason: 'a teacher is missing' })));
});

test('Estimates are read of the runs that are systems', async () => {
  const { finished } = await study(fakeClient().client);
  assert.deepEqual(finished.filter(({ estimates }) => estimates.length > 0).map(({ name, estimates }) => [name, estimates]), [['seed 1 recognizer', [ESTIMATE]]]);
});

test('A second start reuses what has succeeded', async () => {
  const { client, calls } = fakeClient();
  const first = await study(client);
  calls.length = 0;
  const output = recordedOutput();
  assert.deepEqual(await study(client, { output }), first);
  assert.deepEqual(calls, []);
  assert.ok(output.lines.includes(`${PLAN.length} runs, ${PLAN.length} of them there already`));
});

test('A run that was trained with other options than today’s is trained again', async () => {
  const { client, rows, calls } = fakeClient();
  await study(client);
  calls.length = 0;
  const index = rows.findIndex(({ name }) => name === 'seed 1 alpha');
  const run = rows[index] ?? assert.fail();
  rows[index] = { ...run, options: { ...run.options, dropout: 0.4 } };
  await study(client);
  assert.deepEqual(calls, ['submit seed 1 alpha']);
});

test('A run that failed is missing with its reason, the others go on, and the next start resumes it', async () => {
  let isBroken = true;
  const { client, calls } = fakeClient((name) => (isBroken && name === 'seed 1 alpha' ? { status: 'failed', failure: { code: 'OUT_OF_MEMORY', detail: 'no room' } } : { status: 'succeeded' }));
  const output = recordedOutput();
  const { finished, missing } = await study(client, { output });
  assert.deepEqual(missing, [{ name: 'seed 1 alpha', reason: 'failed, OUT_OF_MEMORY: no room' }]);
  assert.equal(finished.length, PLAN.length - 1);
  isBroken = false;
  calls.length = 0;
  const again = await study(client);
  assert.deepEqual([calls, again.missing], [['resume seed 1 alpha'], []]);
});

test('Students of a teacher that failed are missing, not submitted', async () => {
  const { client, calls } = fakeClient((name) => ({ status: name === 'seed 1 recognizer' ? 'failed' : 'succeeded' }));
  const { missing } = await study(client);
  assert.deepEqual(calls, ['submit seed 1 recognizer', 'submit seed 1 evaluator']);
  assert.deepEqual(missing.slice(1), NAMES.slice(2).map((name) => ({ name, reason: 'a teacher is missing' })));
});

test('At the end of the budget the run that goes on is cancelled, and nothing more begins', async () => {
  const { client, calls } = fakeClient((name) => (name === 'seed 1 recognizer' ? { status: 'succeeded' } : { status: 'running' }));
  const { finished, missing } = await study(client, { budgetSeconds: 0.2 });
  assert.deepEqual(calls, ['submit seed 1 recognizer', 'submit seed 1 evaluator', 'cancel seed 1 evaluator']);
  assert.deepEqual(finished.map(({ name }) => name), ['seed 1 recognizer']);
  assert.deepEqual(missing, NAMES.slice(1).map((name) => ({ name, reason: 'the budget is spent' })));
});

test('What is not expected to end in time is not begun, and what is there is still reported', async () => {
  const { client, rows, calls } = fakeClient();
  await study(client);
  const lost: PlannedRun = PLAN[3] ?? assert.fail();
  rows.splice(rows.findIndex(({ name }) => name === lost.name), 1);
  calls.length = 0;
  // students took 100 s each
  const { finished, missing } = await study(client, { budgetSeconds: 50 });
  assert.deepEqual([calls, missing], [[], [{ name: lost.name, reason: 'the budget is spent' }]]);
  assert.equal(finished.length, PLAN.length - 1);
});

test('Interrupted, it neither cancels nor reports', async () => {
  const { client, calls } = fakeClient(() => ({ status: 'running' }));
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(), 30);
  await assert.rejects(study(client, { signal: leaving.signal }), { name: 'AbortError' });
  assert.deepEqual(calls, ['submit seed 1 recognizer']);
});
