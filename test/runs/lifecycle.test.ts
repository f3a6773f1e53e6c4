import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../src/errors.ts';
import { failureOf, isTerminal, MOVES, outcomeOfExit, sourcesOf, type RunStatus } from '../../src/runs/lifecycle.ts';

test('a run that has succeeded moves nowhere, and every state can be reached', () => {
  assert.deepEqual(MOVES.succeeded, []);
  const states = Object.keys(MOVES) as RunStatus[];
  for (const state of states.filter((each) => each !== 'waiting')) assert.ok(sourcesOf(state).length > 0, state);
  assert.deepEqual(states.filter(isTerminal), ['cancelled', 'failed', 'succeeded']);
});

test('a failure keeps the code of our errors and explains those of the system', () => {
  const cases: [error: unknown, code: string, detail: RegExp][] = [
    [fail('LOSS_NOT_FINITE', { step: 3, loss: NaN }), 'LOSS_NOT_FINITE', /NaN at step 3/],
    [new Error('OOM when allocating tensor with shape[8,8]\n at x'), 'OUT_OF_MEMORY', /smaller batchPieces \(OOM when allocating tensor with shape\[8,8\]\)$/],
    [Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }), 'DISK_FULL', /no space/],
    [new Error('what is this\nand a second line'), 'INTERNAL', /^what is this$/],
    ['a string', 'INTERNAL', /^a string$/],
  ];
  for (const [error, code, detail] of cases) {
    const failure = failureOf(error);
    assert.equal(failure.code, code);
    assert.match(failure.detail, detail);
  }
});

test('the end of a trainer that said nothing is explained by its signal or code', () => {
  const cases: [exit: Parameters<typeof outcomeOfExit>[0], status: string, code: string, detail: RegExp][] = [
    [{ code: null, signal: 'SIGKILL', stderr: '' }, 'killed', 'TRAINER_KILLED', /SIGKILL: probably the machine ran out of memory/],
    [{ code: null, signal: 'SIGSEGV', stderr: '' }, 'killed', 'TRAINER_KILLED', /SIGSEGV$/],
    [{ code: null, signal: 'SIGABRT', stderr: "terminate called after throwing 'std::bad_alloc'" }, 'failed', 'OUT_OF_MEMORY', /SIGABRT/],
    [{ code: 7, signal: null, stderr: '' }, 'failed', 'TRAINER_EXITED', /exit code 7/],
  ];
  for (const [exit, status, code, detail] of cases) {
    const outcome = outcomeOfExit(exit);
    assert.ok('failure' in outcome);
    assert.deepEqual([outcome.status, outcome.failure.code], [status, code]);
    assert.match(outcome.failure.detail, detail);
  }
});
