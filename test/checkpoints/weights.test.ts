import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWeights } from '../../src/checkpoints/weights.ts';
import { manifestOf, setUp } from './world.ts';

test('a large table that was trained comes in parts of whole rows, a vector as a whole', async (t) => {
  const { encoder } = await setUp(t);
  const table = { shape: [2500, 3], data: Float32Array.from({ length: 7500 }, (_, at) => at) };
  const vector = { shape: [4], data: Float32Array.of(1, 2, 3, 4) };
  const trained = { 'embeddings.word': table, 'head.bias': vector };
  const manifest = { ...manifestOf(encoder), format: 'mtmt-checkpoint/1' as const, tensors: Object.keys(trained), weightsDigest: '' };
  const weights = openWeights(encoder, manifest, trained);
  t.after(() => weights.close());
  const partsOf = async (name: string): Promise<Float32Array[]> => {
    const parts: Float32Array[] = [];
    for await (const part of weights.all.find((weight) => weight.name === name)?.parts() ?? assert.fail(name)) parts.push(part);
    return parts;
  };
  const parts = await partsOf('embeddings.word');
  assert.deepEqual(parts.map(({ length }) => length), [3072, 3072, 1356]);
  assert.deepEqual(parts.flatMap((part) => [...part]), [...table.data]);
  assert.deepEqual(await partsOf('head.bias'), [vector.data]);
});
