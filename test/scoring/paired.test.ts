import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pairedDifference } from '../../src/scoring/paired.ts';

const SENTENCES = 200;
const right = [1, 0, 0];
const wrong = [0, 1, 1];
/** One entity a sentence, found in those that `isRight` says. */
const counts = (isRight: (sentence: number) => boolean): number[] => Array.from({ length: SENTENCES }, (_, sentence) => (isRight(sentence) ? right : wrong)).flat();
const threeQuarters = counts((sentence) => sentence % 4 !== 0);
const half = counts((sentence) => sentence % 2 !== 0);

test('A system compared with itself differs by nothing, in every resampling', () => {
  assert.deepEqual(pairedDifference([{ systems: [half], baselines: [half] }], { seed: 1 }), { difference: 0, ci95: [0, 0] });
});

test('A clearly better system has its interval above zero, as wide as the pairs say', () => {
  const { difference, ci95: [low, high] } = pairedDifference([{ systems: [threeQuarters], baselines: [half] }], { seed: 1 });
  assert.equal(difference, 0.25);
  assert.ok(low > 0 && low < 0.25 && high > 0.25);
  // a quarter of the sentences differ by one: 2 x 1.96 sqrt(.25 * .75 / 200) = .12, where unpaired intervals would be .18 wide
  assert.ok(Math.abs(high - low - 0.12) < 0.02, `${low} to ${high}`);
});

test('The order of system and baseline turns the interval around', () => {
  const better = pairedDifference([{ systems: [threeQuarters], baselines: [half] }], { seed: 3 });
  const worse = pairedDifference([{ systems: [half], baselines: [threeQuarters] }], { seed: 3 });
  assert.equal(worse.difference, -better.difference);
  assert.ok(worse.ci95[1] < 0);
});

test('Of several seeds the mean F1 counts, and of several test sets the mean difference', () => {
  const { difference } = pairedDifference(
    [
      { systems: [threeQuarters, half], baselines: [half, half] }, // .625 - .5
      { systems: [half], baselines: [threeQuarters] }, // .5 - .75
    ],
    { seed: 1, samples: 10 },
  );
  assert.ok(Math.abs(difference - (0.125 - 0.25) / 2) < 1e-12);
});

test('F1 is of the summed counts, not a mean over sentences', () => {
  const system = [2, 0, 0, 0, 3, 1]; // tp 2, fp 3, fn 1: F1 = 4 / 8
  const baseline = [1, 0, 1, 0, 0, 1]; // tp 1, fn 2: F1 = 2 / 4
  assert.equal(pairedDifference([{ systems: [system], baselines: [baseline] }], { seed: 1, samples: 1 }).difference, 0);
});

test('Systems on other sentences, or on none, cannot be paired', () => {
  assert.throws(() => pairedDifference([{ systems: [half], baselines: [half.slice(3)] }], { seed: 1 }), { message: 'systems and baselines must be counted on the same sentences, found 600, 597 counts' });
  assert.throws(() => pairedDifference([{ systems: [half], baselines: [] }], { seed: 1 }), RangeError);
  assert.throws(() => pairedDifference([], { seed: 1 }), { message: 'there is no test set to compare systems on' });
});
