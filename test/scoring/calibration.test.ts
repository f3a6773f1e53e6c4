import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { applyTemperature, fitLogistic, fitTemperature, logitOf, scaled, type Claim } from '../../src/scoring/calibration.ts';

const near = (found: number, wanted: number, tolerance: number): void => assert.ok(Math.abs(found - wanted) <= tolerance, `${found} is not ${wanted} +- ${tolerance}`);

test('the temperature undoes what made the probabilities too sharp or too flat', () => {
  const tags = ['O', 'B-LOC', 'I-LOC'];
  for (const sharpness of [0.5, 1, 2.5]) {
    const generator = random(3);
    const observed = Array.from({ length: 6000 }, () => {
      const weights = tags.map(() => Math.exp(4 * generator.next()));
      const drawn = generator.next() * weights.reduce((a, b) => a + b);
      const gold = drawn < weights[0]! ? 'O' : drawn < weights[0]! + weights[1]! ? 'B-LOC' : 'I-LOC';
      const sharp = weights.map((weight) => weight ** sharpness);
      return { probs: Float32Array.from(sharp, (weight) => weight / sharp.reduce((a, b) => a + b)), gold: [gold] };
    });
    near(fitTemperature(observed, tags), sharpness, 0.06 * sharpness);
  }
});

test('without a word to learn from the temperature is 1, and tags that the model does not know are left out', () => {
  assert.equal(fitTemperature([], ['O', 'B-LOC']), 1);
  const probs = Float32Array.of(0.9, 0.1, 0.6, 0.4);
  assert.equal(fitTemperature([{ probs, gold: ['B-DATE', 'I-DATE'] }], ['O', 'B-LOC']), 1);
});

test('probabilities that are always right, and zeros, leave the temperature in its bounds', () => {
  near(fitTemperature([{ probs: Float32Array.of(0.9, 0.1, 0.2, 0.8), gold: ['O', 'B-LOC'] }], ['O', 'B-LOC']), 0.05, 1e-9);
  near(fitTemperature([{ probs: Float32Array.of(1, 0, 1, 0), gold: ['B-LOC', 'B-LOC'] }], ['O', 'B-LOC']), 20, 1e-9);
});

test('a temperature of 2 takes square roots, 1 leaves all as it is, and rows add up to 1', () => {
  const probs = Float32Array.of(0.8, 0.2, 0.5, 0.5);
  const roots = applyTemperature(probs, 2, 2);
  near(roots[0] ?? 0, 2 / 3, 1e-6); // sqrt(.8) is twice sqrt(.2)
  near(roots[1] ?? 0, 1 / 3, 1e-6);
  near(roots[2] ?? 0, 0.5, 1e-6);
  applyTemperature(probs, 2, 1).forEach((p, index) => near(p, probs[index] ?? 0, 1e-6));
});

test('a logistic scale is found again from claims that were drawn from it, and its chances add up to those that were right', () => {
  const generator = random(5);
  const truth = { intercept: -0.5, slope: 0.6 };
  const claims = Array.from({ length: 20_000 }, (): Claim => {
    const logit = 8 * generator.next() - 3;
    return { logit, isRight: generator.next() < scaled(truth, logit) };
  });
  const found = fitLogistic(claims);
  near(found.intercept, truth.intercept, 0.06);
  near(found.slope, truth.slope, 0.03);
  near(claims.reduce((sum, { logit }) => sum + scaled(found, logit), 0), claims.filter(({ isRight }) => isRight).length, 1);
});

test('claims that were all right leave room for doubt, and no claims leave the logits as they are', () => {
  const chance = scaled(fitLogistic(Array.from({ length: 8 }, () => ({ logit: 2, isRight: true }))), 2);
  near(chance, 0.9, 0.005); // Platt: (8 + 1) / (8 + 2)
  assert.deepEqual(fitLogistic([]), { intercept: 0, slope: 1 });
});

test('logits of 0 and 1 are finite', () => {
  near(logitOf(0.75), Math.log(3), 1e-12);
  near(logitOf(1), -logitOf(0), 1e-6);
  assert.ok(Number.isFinite(logitOf(1)) && logitOf(1) > 16);
});
