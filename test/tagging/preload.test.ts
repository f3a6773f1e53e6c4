import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelPool } from '../../src/tagging/pool.ts';
import { preload, type Preload } from '../../src/tagging/preload.ts';
import { fakeModel } from './fake-model.ts';

function fixture(points: Record<string, string>, { budgetBytes = 100 } = {}): { preloading: Preload; points: Record<string, string>; loads: string[]; failures: string[] } {
  const loads: string[] = [];
  const failures: string[] = [];
  const load = async (checkpointId: string): ReturnType<Parameters<typeof modelPool>[0]['find']> => ({
    sizeBytes: 1,
    load: async () => {
      loads.push(checkpointId);
      if (checkpointId === 'broken') throw new Error('cannot be loaded');
      return fakeModel({ checkpointId });
    },
  });
  const pool = modelPool({ find: load, budgetBytes });
  const checkpointOfAlias = async (alias: string): Promise<string | null> => {
    if (points[alias] === 'away') throw new Error('the database is away');
    return points[alias] ?? null;
  };
  return { preloading: preload({ pool, checkpointOfAlias, always: 'default', onFailure: (_, checkpointId) => failures.push(checkpointId) }), points, loads, failures };
}

test('The default model is loaded before anybody asks, and wherever it is moved', async () => {
  const { preloading, points, loads } = fixture({});
  await preloading.refresh();
  for (const checkpointId of ['ckpt_1', 'away', 'ckpt_1', 'ckpt_2', 'ckpt_2']) {
    points['default'] = checkpointId;
    await preloading.refresh();
  }
  assert.deepEqual(loads, ['ckpt_1', 'ckpt_2']);
});

test('An alias that was asked for is followed, another is not', async () => {
  const { preloading, points, loads } = fixture({ asked: 'ckpt_1', other: 'ckpt_2' });
  assert.equal(await preloading.resolve('asked'), 'ckpt_1');
  assert.equal(await preloading.resolve('nobody'), null);
  await preloading.refresh();
  assert.deepEqual(loads, []); // whoever asked loads it
  Object.assign(points, { asked: 'ckpt_3', other: 'ckpt_4', nobody: 'ckpt_5' });
  await preloading.refresh();
  assert.deepEqual(loads, ['ckpt_3']);
});

test('Those asked for last are remembered, and the default', async () => {
  const { preloading, points, loads } = fixture(Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`a${index}`, 'ckpt_old'])));
  for (const alias of Object.keys(points)) await preloading.resolve(alias);
  for (const alias of Object.keys(points)) points[alias] = `ckpt_${alias}`;
  points['default'] = 'ckpt_default';
  await preloading.refresh();
  assert.deepEqual(loads, ['ckpt_default', ...[3, 4, 5, 6, 7, 8, 9].map((index) => `ckpt_a${index}`)]);
});

test('What the budget has dropped is not loaded again and again, nor what cannot be loaded', async () => {
  const { preloading, points, loads, failures } = fixture({ default: 'ckpt_1', broken: 'ckpt_2' }, { budgetBytes: 1 });
  await preloading.resolve('broken');
  points['broken'] = 'broken';
  for (let round = 0; round < 3; round++) await preloading.refresh();
  assert.deepEqual([loads, failures], [['ckpt_1', 'broken'], ['broken']]);
});
