import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { decode, viterbi } from '../../src/scoring/viterbi.ts';
import { labelSet } from '../../src/text/label-set.ts';

const labels = labelSet(['PER', 'LOC']);

test('argmax takes each word’s best tag, Viterbi the best valid sequence', () => {
  // O, B-LOC, I-LOC, B-PER, I-PER
  const probs = Float32Array.of(0.1, 0.2, 0.1, 0.5, 0.1, 0.1, 0.05, 0.5, 0.05, 0.3);
  assert.deepEqual(decode(probs, labels, 'argmax'), ['B-PER', 'I-LOC']);
  assert.deepEqual(decode(probs, labels, 'viterbi'), ['B-PER', 'I-PER']);
});

test('no words decode to no tags', () => {
  assert.deepEqual(decode(new Float32Array(0), labels, 'viterbi'), []);
});

test('Viterbi equals trying every valid sequence', () => {
  const generator = random(3);
  const count = labels.tags.length;
  const isValid = (path: number[]): boolean => path.every((tag, i) => !(labels.tags[tag] as string).startsWith('I-') || [tag, tag - 1].includes(path[i - 1] ?? -1));
  for (let round = 0; round < 100; round++) {
    const logProbs = Float32Array.from({ length: 4 * count }, () => Math.log(0.01 + generator.next()));
    const scoreOf = (path: number[]): number => path.reduce((sum, tag, word) => sum + (logProbs[word * count + tag] as number), 0);
    let best = -Infinity;
    for (let code = 0; code < count ** 4; code++) {
      const path = [0, 1, 2, 3].map((word) => Math.floor(code / count ** word) % count);
      if (isValid(path)) best = Math.max(best, scoreOf(path));
    }
    const found = viterbi(logProbs, labels);
    assert.ok(isValid(found));
    assert.ok(Math.abs(scoreOf(found) - best) < 1e-6);
  }
});

test('the best sequence is the same whatever divides the log probabilities: a temperature moves scores, never tags', () => {
  const generator = random(9);
  for (let round = 0; round < 50; round++) {
    const logProbs = Float32Array.from({ length: 12 * labels.tags.length }, () => Math.log(0.01 + generator.next()));
    const best = viterbi(logProbs, labels);
    for (const temperature of [0.25, 0.7, 1.6, 20]) assert.deepEqual(viterbi(logProbs.map((log) => log / temperature), labels), best);
  }
});
