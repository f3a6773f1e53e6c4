import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyOf, percentile } from '../../../src/benchmark/serve/latency.ts';

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

test('a percentile is the smallest value that so many are no greater than', () => {
  for (const [count, share, expected] of [[1, 0.99, 1], [2, 0.5, 1], [3, 0.5, 2], [100, 0.99, 99], [101, 0.99, 100], [1000, 0.99, 990], [4, 1, 4], [4, 0, 1]] as const) {
    assert.equal(percentile(upTo(count), share), expected, `${share} of ${count}`);
  }
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

test('latencies come in any order and are sorted as numbers', () => {
  const times = [9, 100, 20, 3, 1000];
  assert.deepEqual(latencyOf(times), { count: 5, p50Ms: 20, p99Ms: 1000, maxMs: 1000 });
  assert.deepEqual(times, [9, 100, 20, 3, 1000]);
});
