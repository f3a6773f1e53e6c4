import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { drawPairs, drawPartners } from '../../src/training/draw.ts';

const O = 0;
const tags = Array.from({ length: 200 }, (_, word) => (word % 10 === 0 ? 1 + ((word / 10) % 4) : O));

test('pairs are balanced between same and different tags, and most have an entity word, though one word in ten is one', () => {
  const pairs = drawPairs(tags, { count: 4000, balance: 0.5, outside: O, random: random(1) });
  assert.equal(pairs.length, 4000);
  for (const { left, right, same } of pairs) {
    assert.notEqual(left, right);
    assert.equal(tags[left] === tags[right], same);
  }
  const share = (test: (pair: (typeof pairs)[number]) => boolean): number => pairs.filter(test).length / pairs.length;
  assert.ok(Math.abs(share(({ same }) => same) - 0.5) < 0.03);
  assert.ok(share(({ left, right }) => tags[left] !== O || tags[right] !== O) > 0.75);
});

test('every word of a batch gets a partner', () => {
  const pairs = drawPartners(tags, { balance: 0.5, perWord: 1, random: random(1) });
  assert.deepEqual(pairs.map(({ left }) => left), [...tags.keys()]);
});

test('what is impossible yields to the other: one tag only gives same pairs, all tags distinct gives different ones', () => {
  assert.ok(drawPartners([3, 3, 3], { balance: 0, perWord: 1, random: random(1) }).every(({ same }) => same));
  assert.ok(drawPartners([1, 2, 3], { balance: 1, perWord: 1, random: random(1) }).every(({ same }) => !same));
  assert.deepEqual(drawPartners([1], { balance: 0.5, perWord: 1, random: random(1) }), []);
});

test('the same seed draws the same pairs', () => {
  const draw = (seed: number) => drawPairs(tags, { count: 50, balance: 0.5, outside: O, random: random(seed) });
  assert.deepEqual(draw(4), draw(4));
  assert.notDeepEqual(draw(4), draw(5));
});
