import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { layOut, type Window } from '../../src/encoders/pack.ts';
import type { RequestedOptions } from '../../src/schemas/options.ts';
import { distillationTask } from '../../src/training/distillation.ts';
import { resolveOptions } from '../../src/training/options.ts';

const NUM_TAGS = 3;
/** Sentences of 4, 2 and 1 words, a piece each, in two rows of 8 pieces. */
const windows = [4, 2, 1].map((words, sentence): Window => ({ sentence, pieces: new Int32Array(words + 2).fill(5), words: Array.from({ length: words }, (_, word) => ({ word, at: word + 1 })) }));
const batch = layOut([windows.slice(0, 1), windows.slice(1)], { rows: 2, length: 8 }, { padId: 0, firstPosition: 0 });
/** Another tag for each sentence. */
const teachers = {
  probs: (sentence: number) => Float32Array.from({ length: NUM_TAGS }, (_, tag) => (tag === sentence ? 0.8 : 0.1)),
  similarity: (left: { sentence: number }, right: { sentence: number }) => (left.sentence === right.sentence ? 0.7 : 0.3),
};

function valuesOf(requested: RequestedOptions, seed = 1): Record<'wordWeights' | 'softTags' | 'left' | 'right' | 'similarities' | 'pairWeights', number[]> {
  const task = distillationTask({ units: windows.map((window) => [window]), teachers, numTags: NUM_TAGS, options: resolveOptions('student', requested) });
  const values = task.values(batch, random(seed));
  for (const [name, { shape }] of Object.entries(task.inputs(batch))) assert.equal(values[name]?.length, shape.reduce((a, b) => a * b, 1), name);
  const numbers = (name: string): number[] => [...(values[name] ?? [])];
  return { wordWeights: numbers('wordWeights'), softTags: numbers('softTags'), left: numbers('left'), right: numbers('right'), similarities: numbers('similarities'), pairWeights: numbers('pairWeights') };
}
const placesOf = (weights: readonly number[]): number[] => weights.flatMap((weight, at) => (weight === 0 ? [] : [at]));
const sentenceAt = (at: number): number | undefined => batch.words.find((word) => word.at === at)?.sentence;

test('every word of a batch is distilled, each in a pair that it begins', () => {
  const { wordWeights, left, pairWeights } = valuesOf({});
  const all = batch.words.map(({ at }) => at);
  assert.deepEqual(placesOf(wordWeights), all);
  assert.deepEqual(placesOf(pairWeights).map((pair) => left[pair]), all);
});

test('with oneWord one word of each sentence is distilled, and only those make pairs', () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 30; seed++) {
    const { wordWeights, softTags, left, right, pairWeights } = valuesOf({ distil: 'oneWord' }, seed);
    const words = placesOf(wordWeights);
    assert.deepEqual(words.map(sentenceAt), [0, 1, 2]);
    const paired = placesOf(pairWeights).flatMap((pair) => [left[pair], right[pair]]);
    assert.deepEqual([...new Set(paired)].sort((a, b) => Number(a) - Number(b)), words);
    assert.equal(placesOf(softTags).length, 3 * NUM_TAGS);
    words.forEach((at) => seen.add(at));
  }
  assert.deepEqual([...seen].sort((a, b) => a - b), batch.words.map(({ at }) => at));
});

describe('there is room for all pairs', () => {
  for (const pairsPerWord of [0.5, 1, 4, 16]) {
    test(`of ${pairsPerWord} a word`, () => {
      const { pairWeights, left, right, similarities } = valuesOf({ pairsPerWord, pairDraw: 'uniform' });
      const pairs = placesOf(pairWeights);
      assert.equal(pairs.length, Math.round(7 * pairsPerWord));
      for (const pair of pairs) assert.ok(Math.abs(similarities[pair]! - (sentenceAt(left[pair]!) === sentenceAt(right[pair]!) ? 0.7 : 0.3)) < 1e-6);
    });
  }
});

test('pairs are balanced by the recognizer’s tags, or drawn whatever they are', () => {
  const same = (requested: RequestedOptions): number => {
    const { pairWeights, left, right } = valuesOf({ pairsPerWord: 16, ...requested });
    const pairs = placesOf(pairWeights);
    return pairs.filter((pair) => sentenceAt(left[pair]!) === sentenceAt(right[pair]!)).length / pairs.length;
  };
  assert.equal(same({ pairBalance: 0 }), 0);
  // the one word of the third sentence has no twin
  assert.equal(same({ pairBalance: 1 }), 6 / 7);
  // 4 3 + 2 1 of 7 6 ordered pairs
  assert.ok(Math.abs(same({ pairDraw: 'uniform' }) - 1 / 3) < 0.12);
});

test('the article’s objective weighs all pairs alike, outside of the graph', () => {
  const { wordWeights, pairWeights } = valuesOf({ preset: 'article' });
  assert.deepEqual(wordWeights, []);
  assert.deepEqual(pairWeights.filter((weight) => weight > 0), new Array<number>(7).fill(Math.fround(1 / 7)));
});
