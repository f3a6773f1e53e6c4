import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { applyTemperature, fitTemperature } from '../../src/scoring/calibration.ts';
import { calibrationError } from '../../src/scoring/calibration-error.ts';

const TAGS = ['O', 'B-LOC', 'I-LOC'];

test('the error is how far accuracy and confidence are apart, weighted by the words of each bin', () => {
  // bins of 1/15: three words at .9, of which two are right; one at .5, which is wrong
  const probs = Float32Array.of(0.9, 0.1, 0, 0.9, 0.1, 0, 0, 0.9, 0.1, 0.5, 0.3, 0.2);
  const error = calibrationError([{ probs, gold: ['O', 'O', 'O', 'B-LOC'] }], TAGS);
  assert.ok(Math.abs(error - (Math.abs(2 - 2.7) + Math.abs(0 - 0.5)) / 4) < 1e-6, String(error));
});

test('words whose tag is not known are left out, and no words have no error', () => {
  const probs = Float32Array.of(1, 0, 0, 0, 1, 0);
  assert.equal(calibrationError([{ probs, gold: ['O', 'B-DATE'] }], TAGS), 0);
  assert.equal(calibrationError([], TAGS), 0);
});

test('the fitted temperature takes most of the error from distributions that are too sharp', () => {
  const generator = random(7);
  const observed = Array.from({ length: 6000 }, () => {
    const weights = TAGS.map(() => Math.exp(4 * generator.next()));
    const total = weights.reduce((a, b) => a + b);
    let drawn = generator.next() * total;
    const gold = TAGS.find((_, tag) => (drawn -= weights[tag] ?? 0) <= 0) ?? 'I-LOC';
    return { probs: applyTemperature(Float32Array.from(weights, (weight) => weight / total), 3, 0.4), gold: [gold] };
  });
  const temperature = fitTemperature(observed, TAGS);
  const calibrated = observed.map(({ probs, gold }) => ({ probs: applyTemperature(probs, 3, temperature), gold }));
  const [before, after] = [calibrationError(observed, TAGS), calibrationError(calibrated, TAGS)];
  assert.ok(before > 0.1 && after < 0.03, `${before} before, ${after} after`);
});
