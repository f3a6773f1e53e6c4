import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectiveWeights, type ObjectiveOptions } from '../../src/training/weights.ts';

// Two words and one pair, by hand: alpha = 0.9^2 and 0.6^2; (2 0.7 - 1)^2 = 0.16; cos = 0.58 / sqrt(0.82 0.52).
const probs = [Float32Array.of(0.9, 0.1), Float32Array.of(0.6, 0.4)];
const pairs = [{ left: 0, right: 1, similarity: 0.7 }];
const GAMMA = 1 - Math.abs(1 / (1 + Math.exp(-0.58 / Math.sqrt(0.82 * 0.52))) - 0.7);
const PLAIN: ObjectiveOptions = { alpha: false, beta: 'none', gamma: false, similarityWeight: 0.5 };

const cases: [name: string, change: Partial<ObjectiveOptions>, words: readonly [number, number], pair: number][] = [
  ['no weight leaves half a recognition loss for each word and lambda times the similarity loss', {}, [0.5, 0.5], 0.5],
  ['alpha weighs each word’s recognition loss alone', { alpha: true }, [0.405, 0.18], 0.5],
  ['squared beta weighs the similarity loss alone', { beta: 'squared' }, [0.5, 0.5], 0.08],
  ['shifted beta weighs the similarity loss alone', { beta: 'shifted' }, [0.5, 0.5], 0.33],
  ['gamma weighs all losses of the pair', { gamma: true }, [0.5 * GAMMA, 0.5 * GAMMA], 0.5 * GAMMA],
  ['lambda weighs the similarity loss alone', { similarityWeight: 2 }, [0.5, 0.5], 2],
  ['lambda 0 leaves the similarity loss out', { similarityWeight: 0 }, [0.5, 0.5], 0],
  ['all weights together are multiplied', { alpha: true, beta: 'squared', gamma: true }, [0.405 * GAMMA, 0.18 * GAMMA], 0.08 * GAMMA],
];
for (const [name, change, words, pair] of cases) {
  test(name, () => {
    const found = objectiveWeights(probs, pairs, { ...PLAIN, ...change });
    const weights = [...found.words, ...found.pairs];
    [...words, pair].forEach((expected, index) => assert.ok(Math.abs(weights[index]! - expected) < 1e-6, weights.join()));
  });
}

test('a mean over pairs: twice the same pair weighs as much as once', () => {
  const options: ObjectiveOptions = { alpha: true, beta: 'shifted', gamma: true, similarityWeight: 0.5 };
  const [once, twice] = [objectiveWeights(probs, pairs, options), objectiveWeights(probs, [...pairs, ...pairs], options)];
  assert.deepEqual(twice.words, once.words);
  assert.equal(twice.pairs[0]! + twice.pairs[1]!, once.pairs[0]);
});
