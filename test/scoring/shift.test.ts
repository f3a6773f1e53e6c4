import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carry, fitShift } from '../../src/scoring/shift.ts';

const near = (found: number, wanted: number, tolerance = 1e-9): void => assert.ok(Math.abs(found - wanted) <= tolerance, `${found} is not ${wanted} +- ${tolerance}`);
/** logit(.9) is 2.197, of .8 1.386, of .7 .847, of .6 .405 */
const clean = { f1: 0.9, signal: 0.9 };

test('without strange text a signal is taken at its word, but for what F1 and signal differ by on the source', () => {
  near(carry(fitShift(clean, []), 0.6), 0.6);
  // odds of .8 are 4, of .9 9: F1 has 4 / 9 of the signal's odds, and those of .6 are 1.5
  near(carry(fitShift({ f1: 0.8, signal: 0.9 }, []), 0.6), (1.5 * 4) / 9 / (1 + (1.5 * 4) / 9));
});

test('where F1 fell further than the signal, it falls half as much further on other text', () => {
  const shift = fitShift(clean, [{ f1: 0.6, signal: 0.8 }]);
  // logits fall by .811, and for each by (1 + 2.21) / 2
  near(carry(shift, 0.8), 0.71, 0.005); // what chance is allowed for leaves a little
  assert.ok(carry(shift, 0.7) < 0.52);
  near(carry(shift, 0.9), 0.9);
});

test('between two levels the slope lies between theirs', () => {
  const levels = [{ f1: 0.5, signal: 0.6 }, { f1: 0.78, signal: 0.8 }];
  const f1 = carry(fitShift(clean, levels), 0.7);
  assert.ok(f1 < 0.69 && f1 > 0.65, String(f1));
  near(carry(fitShift(clean, levels), 0.8), 0.79, 0.002);
  near(carry(fitShift(clean, levels), 0.6), 0.5505, 0.002);
});

test('a signal that fell further than F1 is taken at its word, as is one that rose', () => {
  near(carry(fitShift(clean, [{ f1: 0.89, signal: 0.8 }]), 0.8), 0.8);
  near(carry(fitShift(clean, [{ f1: 0.6, signal: 0.8 }]), 0.95), 0.95);
  near(carry(fitShift(clean, [{ f1: 0.6, signal: 0.95 }]), 0.8), 0.8);
});

test('signals of 0 and 1 give F1 within (0, 1)', () => {
  for (const signal of [0, 1]) {
    const f1 = carry(fitShift({ f1: 1, signal: 1 }, [{ f1: 0, signal: 0.5 }]), signal);
    assert.ok(f1 >= 0 && f1 <= 1 && Number.isFinite(f1), String(f1));
  }
});
