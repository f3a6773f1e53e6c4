import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrapInterval } from '../../src/scoring/interval.ts';

const mixed = Array.from({ length: 200 }, (_, i) => ({ tp: i % 4 === 0 ? 0 : 1, fp: i % 4 === 0 ? 1 : 0, fn: i % 4 === 0 ? 1 : 0 }));

test('The interval holds the F1 and is as wide as the binomial says', () => {
  const [low, high] = bootstrapInterval(mixed, { seed: 1 });
  assert.ok(low < 0.75 && high > 0.75);
  // 1.96 sqrt(.75 * .25 / 200) = .06
  assert.ok(Math.abs(high - low - 0.12) < 0.02, `${low} to ${high}`);
});

test('The same seed gives the same interval', () => {
  assert.deepEqual(bootstrapInterval(mixed, { seed: 2 }), bootstrapInterval(mixed, { seed: 2 }));
});

test('What is always right or has no sentences has no width', () => {
  assert.deepEqual(bootstrapInterval([{ tp: 1, fp: 0, fn: 0 }], { seed: 1 }), [1, 1]);
  assert.deepEqual(bootstrapInterval([], { seed: 1 }), [0, 0]);
});
