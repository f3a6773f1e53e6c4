import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NamedTensors } from '../../src/tensor/safetensors.ts';
import { isOfAverage, openAverage } from '../../src/training/average.ts';

/** The weights of each step are its number. @returns the mean, and the steps whose weights were copied */
function averaged(steps: number, share: number): { mean: NamedTensors | null; copied: number[] } {
  const copied: number[] = [];
  const average = openAverage({ steps, share });
  for (let step = 1; step <= steps; step++) {
    average.take(step, () => {
      copied.push(step);
      return { weight: { shape: [2], data: Float32Array.of(step, -step) } };
    });
  }
  return { mean: average.mean(), copied };
}

test('The mean is over eleven steps of the last part, evenly spread, the last step among them', () => {
  const { mean, copied } = averaged(200, 0.5);
  assert.deepEqual(copied, [100, 110, 120, 130, 140, 150, 160, 170, 180, 190, 200]);
  assert.deepEqual(mean?.['weight'], { shape: [2], data: Float32Array.of(150, -150) });
});

test('A run of few steps averages each of its last part, one of a single step has its own weights', () => {
  assert.deepEqual(averaged(6, 0.5).copied, [3, 4, 5, 6]);
  assert.deepEqual(averaged(6, 0.5).mean?.['weight']?.data, Float32Array.of(4.5, -4.5));
  assert.deepEqual(averaged(1, 0.5).mean?.['weight']?.data, Float32Array.of(1, -1));
});

test('A share of 0 copies nothing and has no mean', () => {
  assert.deepEqual(averaged(200, 0), { mean: null, copied: [] });
});

test('A mean that another process goes on with ends as it would have, and what was kept stays as it was', () => {
  const weightsOf = (step: number) => (): NamedTensors => ({ weight: { shape: [1], data: Float32Array.of(step ** 2) } });
  const [whole, before] = [openAverage({ steps: 20, share: 0.5 }), openAverage({ steps: 20, share: 0.5 })];
  for (let step = 1; step <= 20; step++) whole.take(step, weightsOf(step));
  for (let step = 1; step <= 13; step++) before.take(step, weightsOf(step));
  const from = before.kept();
  const after = openAverage({ steps: 20, share: 0.5, from });
  for (let step = 14; step <= 20; step++) after.take(step, weightsOf(step));
  assert.deepEqual(after.mean(), whole.mean());
  assert.deepEqual([from.taken, Object.keys(from.tensors).map(isOfAverage)], [4, [true]]);
  assert.deepEqual(before.kept(), from);
});
