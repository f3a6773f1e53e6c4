import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { drawPairs, drawPartners, oneOfEachWindow } from '../../src/training/draw.ts';

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

test('a word begins as many pairs as asked for, and of half a pair a half of the words begins one', () => {
  const leftsOf = (perWord: number): number[] => drawPartners(tags, { balance: 0.5, perWord, random: random(1) }).map(({ left }) => left);
  const counts = (perWord: number): number[] => {
    const found = new Array<number>(tags.length).fill(0);
    for (const left of leftsOf(perWord)) found[left]! += 1;
    return found;
  };
  assert.ok(counts(3).every((count) => count === 3));
  assert.deepEqual([...counts(2.5)].sort(), [...new Array<number>(100).fill(2), ...new Array<number>(100).fill(3)]);
  assert.deepEqual([...counts(0.25)].sort(), [...new Array<number>(150).fill(0), ...new Array<number>(50).fill(1)]);
});

test('without a balance any two words make a pair, whatever their tags', () => {
  const count = 20_000;
  const drawn = { partners: drawPartners(tags, { balance: null, perWord: 100, random: random(1) }), pairs: drawPairs(tags, { count, balance: null, outside: O, random: random(1) }) };
  // of two different words, of which 180 have one tag and four others 5 each
  const same = (180 * 179 + 4 * 5 * 4) / (200 * 199);
  for (const pairs of Object.values(drawn)) {
    assert.equal(pairs.length, count);
    assert.ok(pairs.every((pair) => pair.left !== pair.right && pair.same === (tags[pair.left] === tags[pair.right])));
    assert.ok(Math.abs(pairs.filter((pair) => pair.same).length / count - same) < 0.02);
    const begun = Math.max(...pairs.map(({ right }) => right)) - Math.min(...pairs.map(({ right }) => right));
    assert.equal(begun, tags.length - 1);
  }
  assert.deepEqual(drawPartners([1], { balance: null, perWord: 1, random: random(1) }), []);
});

test('one word of each window is drawn, each of its words at times', () => {
  // two rows of 6 pieces: windows of 3 and 2 words, and one of 1
  const batch = {
    length: 6,
    segments: Int32Array.of(1, 1, 1, 2, 2, 0, 1, 1, 0, 0, 0, 0),
    words: [0, 1, 2, 3, 4, 6].map((at, index) => ({ sentence: [0, 0, 0, 1, 1, 2][index]!, word: index, at })),
  };
  const generator = random(1);
  const draws = Array.from({ length: 100 }, () => oneOfEachWindow(batch, generator));
  assert.ok(draws.every((words) => words.map(({ sentence }) => sentence).join() === '0,1,2'));
  assert.deepEqual([...new Set(draws.flat().map(({ at }) => at))].sort(), [0, 1, 2, 3, 4, 6]);
});
