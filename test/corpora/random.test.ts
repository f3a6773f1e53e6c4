import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';

test('A seed gives its numbers on every machine', () => {
  const generator = random(1);
  assert.deepEqual(Array.from({ length: 3 }, () => generator.int(1_000_000)), [29420, 346270, 37014]);
});

test('Numbers are even over [0, 1), also across neighboring seeds', () => {
  for (const draw of [random(7).next, (() => { let seed = 0; return () => random(seed++).next(); })()]) {
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) {
      const value = draw();
      assert.ok(value >= 0 && value < 1);
      buckets[Math.floor(value * 10)] = (buckets[Math.floor(value * 10)] ?? 0) + 1;
    }
    for (const count of buckets) assert.ok(Math.abs(count - 2000) < 200, String(buckets));
  }
});

test('A shuffle keeps every item', () => {
  const items = Array.from({ length: 100 }, (_, i) => i);
  const shuffled = random(1).shuffle([...items]);
  assert.notDeepEqual(shuffled, items);
  assert.deepEqual([...shuffled].sort((a, b) => a - b), items);
});
