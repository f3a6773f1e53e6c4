import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectedSeconds, mayBegin, parseBudget, secondsLeft } from '../../src/study/budget.ts';

test('A budget is written with its units', () => {
  const cases: [string, number | null][] = [['2h', 7200], ['90m', 5400], ['90min', 5400], ['1h30m', 5400], ['0.5h', 1800], ['45s', 45], ['2', null], ['h', null], ['2 h', null], ['0s', null], ['-1h', null], ['', null]];
  for (const [text, seconds] of cases) assert.equal(parseBudget(text), seconds, text);
});

const KNOWN = [{ kind: 'student', seconds: 100 }, { kind: 'student', seconds: 200 }, { kind: 'recognizer', seconds: 50 }];

test('What a run takes is expected from those of its kind', () => {
  assert.equal(expectedSeconds('student', KNOWN), 150);
  assert.equal(expectedSeconds('evaluator', KNOWN), null);
});

test('Time left is of all that is to run, and unknown while a kind of it is', () => {
  assert.equal(secondsLeft(['student', 'student', 'recognizer'], KNOWN), 350);
  assert.equal(secondsLeft(['student', 'evaluator'], KNOWN), null);
  assert.equal(secondsLeft([], KNOWN), 0);
});

test('A run begins where it is expected to end in time, or nobody knows', () => {
  assert.equal(mayBegin('student', KNOWN, 150), true);
  assert.equal(mayBegin('student', KNOWN, 149), false);
  assert.equal(mayBegin('evaluator', KNOWN, 1), true);
  assert.equal(mayBegin('evaluator', KNOWN, 0), false);
  assert.equal(mayBegin('student', [], Infinity), true);
});
