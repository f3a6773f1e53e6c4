import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headNames, newHeads, withBothHeads, withOneHead } from '../../src/training/heads.ts';

const spec = { numTags: 3, hiddenSize: 4, seed: 7 };

test('two heads begin with different weights, and the first with those of a single one', () => {
  const [one, two] = [newHeads({ ...spec, heads: 'one' }), newHeads({ ...spec, heads: 'two' })];
  assert.deepEqual(Object.keys(one), headNames('one'));
  assert.deepEqual(Object.keys(two), headNames('two'));
  assert.deepEqual(two['head.weight'], one['head.weight']);
  assert.notDeepEqual(two['rightHead.weight'], two['head.weight']);
});

test('two heads become one of mean weights, and other weights stay', () => {
  const body = { shape: [1], data: Float32Array.of(9) };
  const merged = withOneHead({
    'head.weight': { shape: [1, 2], data: Float32Array.of(1, 2) },
    'head.bias': { shape: [1], data: Float32Array.of(0) },
    'rightHead.weight': { shape: [1, 2], data: Float32Array.of(3, -2) },
    'rightHead.bias': { shape: [1], data: Float32Array.of(1) },
    'layers.0.query.bias': body,
  });
  assert.deepEqual(merged, { 'head.weight': { shape: [1, 2], data: Float32Array.of(2, 0) }, 'head.bias': { shape: [1], data: Float32Array.of(0.5) }, 'layers.0.query.bias': body });
  assert.deepEqual(withOneHead(withBothHeads(merged)), merged);
});

test('one head stays as it is', () => {
  const one = newHeads({ ...spec, heads: 'one' });
  assert.deepEqual(withOneHead(one), one);
});
