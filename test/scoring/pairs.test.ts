import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accuracy, scorePairs } from '../../src/scoring/pairs.ts';
import { prf } from '../../src/scoring/ner.ts';

test('Decisions about pairs are counted, with "same" as the positive class', () => {
  const score = scorePairs([true, true, true, false, false], [true, true, false, true, false]);
  assert.deepEqual(score, { tp: 2, fp: 1, fn: 1, tn: 1 });
  assert.equal(accuracy(score), 3 / 5);
  assert.equal(prf(score).f1, 2 / 3);
});

test('No pairs score 0', () => {
  assert.equal(accuracy(scorePairs([], [])), 0);
});
