import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiClient } from '../../../src/cli/client/api.ts';
import { duration, statusText, watchRuns } from '../../../src/cli/client/progress.ts';
import { fakeService, recordedOutput, runOf, scoreOf, SUCCEEDED, TRAINING, type FakeRun } from './fixtures.ts';

const { signal } = new AbortController();

test('A run that trains shows step, loss, speed and time left, and a bar only where it can move', () => {
  const run = runOf('student', TRAINING);
  assert.equal(statusText(run, '', false), 'student    step 10/40  loss 0.250  1235 pieces/s  1 min 15 s left');
  assert.equal(statusText(run, '', true), 'student    █████░░░░░░░░░░░░░░░  step 10/40  loss 0.250  1235 pieces/s  1 min 15 s left');
});

test('Before the first step and after the last one a run shows what it does', () => {
  const run = runOf('evaluator', { status: 'running' });
  assert.equal(statusText(run, '', true), 'evaluator  starting');
  assert.equal(statusText(run, 'scoring en test', true), 'evaluator  scoring en test');
});

test('A run that does not train shows its state and why', () => {
  assert.equal(statusText(runOf('student', { status: 'waiting' }), '', true), 'student    waiting');
  const transitions = [{ status: 'queued' as const, at: '', reason: 'its worker was stopped and gave it back' }];
  assert.equal(statusText(runOf('student', { status: 'queued', transitions }), '', true), 'student    queued: its worker was stopped and gave it back');
});

test('Numbers that are not known are left out', () => {
  const progress = { step: 1, steps: 9, epoch: 0, loss: null, piecesPerSecond: null, etaSeconds: null };
  assert.equal(statusText(runOf('teacher', { status: 'running', progress }), '', false), 'teacher    step 1/9');
});

async function watch(runs: FakeRun[], t: Parameters<typeof fakeService>[0], isTerminal: boolean): Promise<ReturnType<typeof recordedOutput>> {
  const service = await fakeService(t, { runs });
  const client = apiClient(service.url);
  await client.submitPipeline({ datasets: {}, tags: {} });
  const output = recordedOutput({ isTerminal });
  await watchRuns(client, runs.map(({ kind }) => `run_${kind}`), { output, signal, pollMs: 1 });
  return output;
}

test('A terminal has one line that changes, and one that stays for each run that ended', async (t) => {
  const runs: FakeRun[] = [
    { kind: 'recognizer', states: [TRAINING, TRAINING, SUCCEEDED], scores: [scoreOf('es', { tp: 1, fp: 1, fn: 1 }, 0.6)], events: [{ eventId: 1, level: 'info', type: 'phase', message: 'reading' }] },
    { kind: 'student', states: [{ status: 'waiting' }, { status: 'running' }, { status: 'running' }, SUCCEEDED] },
  ];
  const { lines, statuses } = await watch(runs, t, true);
  assert.deepEqual(lines, ['  recognizer 40 steps in 1 min 30 s on cpu; test F1 by source-dev: es 50.0; test F1 by target-dev: es 60.0', '  student    40 steps in 1 min 30 s on cpu']);
  assert.match(statuses[0] ?? '', /^ {2}recognizer █+░+ {2}step 10\/40/);
  assert.equal(statuses.at(-1), '  student    starting');
});

test('Elsewhere lines are few', async (t) => {
  const states = Array.from({ length: 20 }, (_, step) => ({ ...TRAINING, progress: { step: step + 1, steps: 40, epoch: 0, loss: 1, piecesPerSecond: 1, etaSeconds: 1 } }));
  const { lines, statuses } = await watch([{ kind: 'recognizer', states: [...states, SUCCEEDED] }], t, false);
  assert.deepEqual(lines, ['  recognizer step 1/40  loss 1.000  1 pieces/s  1 s left', '  recognizer 40 steps in 1 min 30 s on cpu']);
  assert.deepEqual(statuses, []);
});

test('A warning of a run is a line that stays', async (t) => {
  const events = [{ eventId: 7, level: 'warn', type: 'warning', message: 'zh test is scored on the labels LOC, ORG' }];
  const { lines } = await watch([{ kind: 'student', states: [{ status: 'running' }, SUCCEEDED], events }], t, true);
  assert.equal(lines[0], '  zh test is scored on the labels LOC, ORG');
});

test('What was trained before the demo began says so', async (t) => {
  const { lines } = await watch([{ kind: 'student', states: [{ ...SUCCEEDED, startedAt: '2020-01-01T00:00:00Z', endedAt: '2020-01-01T00:00:10Z' }] }], t, true);
  assert.deepEqual(lines, ['  student    trained before: 40 steps in 10 s on cpu']);
});

test('Durations are for people', () => {
  assert.deepEqual([0.4, 59.4, 60, 3599].map(duration), ['0 s', '59 s', '1 min 0 s', '59 min 59 s']);
});
