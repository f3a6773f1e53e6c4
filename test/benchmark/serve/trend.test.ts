import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trendOf } from '../../../src/benchmark/serve/trend.ts';

test('a straight line has its slope, and its growth as a share of the mean', () => {
  assert.deepEqual(trendOf([10, 12, 14]), { mean: 12, slope: 2, growth: 4 / 12 });
  assert.deepEqual(trendOf([5, 5, 5, 5]), { mean: 5, slope: 0, growth: 0 });
  assert.deepEqual(trendOf([7]), { mean: 7, slope: 0, growth: 0 });
});

test('the slope is that of least squares, so that an outlier in the middle does not tilt it', () => {
  assert.equal(trendOf([10, 10, 90, 10, 10]).slope, 0);
  // numpy.polyfit(range(4), [1, 3, 2, 6], 1)[0]
  assert.ok(Math.abs(trendOf([1, 3, 2, 6]).slope - 1.4) < 1e-12);
});
