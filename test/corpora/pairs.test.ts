import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawPairs } from '../../src/corpora/pairs.ts';
import type { Sentence } from '../../src/corpora/corpus.ts';

const sentences: Sentence[] = Array.from({ length: 50 }, (_, i) => ({ tokens: [`a${i}`, `b${i}`, `c${i}`, 'd', 'e', 'f'], tags: ['B-PER', 'I-PER', i % 5 === 0 ? 'B-LOC' : 'O', 'O', 'O', 'O'] }));
const tagOf = ({ tokens, word }: { tokens: readonly string[]; word: number }): string => sentences.find((sentence) => sentence.tokens === tokens)?.tags?.[word] ?? '?';

test('Pairs are what their tags say, and never a word with itself', () => {
  for (const { left, right, same } of drawPairs(sentences, { count: 2000, balance: 0.5, seed: 1 })) {
    assert.equal(same, tagOf(left) === tagOf(right));
    assert.ok(left.tokens !== right.tokens || left.word !== right.word);
  }
});

for (const balance of [0, 0.25, 0.5, 1]) {
  test(`A balance of ${balance} gives that share of same pairs, with entities in most of all`, () => {
    const pairs = drawPairs(sentences, { count: 4000, balance, seed: 2 });
    assert.equal(pairs.length, 4000);
    assert.ok(Math.abs(pairs.filter(({ same }) => same).length / 4000 - balance) < 0.03);
    assert.ok(pairs.filter(({ left, right }) => tagOf(left) !== 'O' || tagOf(right) !== 'O').length > 2400);
  });
}

test('The same seed gives the same pairs, another seed others', () => {
  const draw = (seed: number) => drawPairs(sentences, { count: 20, balance: 0.5, seed });
  assert.deepEqual(draw(3), draw(3));
  assert.notDeepEqual(draw(3), draw(4));
});

test('No pairs come of nothing, of one word, or of sentences without tags', () => {
  for (const few of [[], [{ tokens: ['a'], tags: ['O'] }], [{ tokens: ['a', 'b'] }]]) assert.deepEqual(drawPairs(few, { count: 5, balance: 0.5, seed: 1 }), []);
});
