import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binByAlpha, binsOf, flatBins } from '../../src/scoring/alpha-bins.ts';

test('Words are counted in the tenth that their alpha lies in, and tags other than O as found, wrong or missed', () => {
  const alphas = [[0, 0.05, 0.1, 0.95, 1]];
  const gold = [['O', 'B-PER', 'B-LOC', 'I-LOC', 'O']];
  const predicted = [['O', 'O', 'B-PER', 'I-LOC', 'B-PER']];
  const bins = binByAlpha(alphas, gold, predicted);
  assert.equal(bins.length, 10);
  assert.deepEqual(bins[0], { words: 2, tp: 0, fp: 0, fn: 1 });
  assert.deepEqual(bins[1], { words: 1, tp: 0, fp: 1, fn: 1 });
  assert.deepEqual(bins[9], { words: 2, tp: 1, fp: 1, fn: 0 });
  for (const bin of bins.slice(2, 9)) assert.deepEqual(bin, { words: 0, tp: 0, fp: 0, fn: 0 });
});

test('Rows keep bins as one list', () => {
  const bins = binByAlpha([[0.3, 0.7]], [['B-PER', 'O']], [['B-PER', 'O']]);
  const flat = flatBins(bins);
  assert.deepEqual(flat.slice(12, 16), [1, 1, 0, 0]);
  assert.deepEqual(binsOf(flat), bins);
  assert.deepEqual(binsOf([]), []);
});
