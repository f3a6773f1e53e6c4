import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelPool } from '../../src/tagging/pool.ts';
import { fakeModel, type FakeModel } from './fake-model.ts';

function poolOf(size: number): { pool: ReturnType<typeof modelPool>; made: FakeModel[] } {
  const made: FakeModel[] = [];
  const load = async (checkpointId: string): Promise<FakeModel> => {
    if (checkpointId === 'broken') throw new Error('cannot be loaded');
    const model = fakeModel({ checkpointId });
    made.push(model);
    return model;
  };
  return { pool: modelPool({ load, size }), made };
}

test('A model is loaded once for all who ask at the same time', async () => {
  const { pool, made } = poolOf(2);
  await Promise.all([1, 2, 3].map(() => pool.use('a', async () => undefined)));
  assert.equal(made.length, 1);
  assert.deepEqual(pool.loaded(), ['a']);
});

test('Beyond the number the longest unused goes', async () => {
  const { pool, made } = poolOf(2);
  for (const checkpointId of ['a', 'b', 'a', 'c']) await pool.use(checkpointId, async () => undefined);
  await new Promise(setImmediate);
  assert.deepEqual(pool.loaded(), ['a', 'c']);
  assert.deepEqual(made.map(({ isDisposed }) => isDisposed), [false, true, false]);
});

test('A model in use stays until its user is done', async () => {
  const { pool, made } = poolOf(1);
  let release = (): void => undefined;
  const held = pool.use('a', () => new Promise<void>((resolve) => (release = resolve)));
  await pool.use('b', async () => undefined);
  assert.equal(made[0]?.isDisposed, false);
  release();
  await held;
  await pool.use('c', async () => undefined);
  await new Promise(setImmediate);
  assert.deepEqual(made.map(({ isDisposed }) => isDisposed), [true, true, false]);
});

test('A model that could not be loaded is tried again', async () => {
  const { pool } = poolOf(1);
  await assert.rejects(pool.use('broken', async () => undefined), /cannot be loaded/);
  await assert.rejects(pool.use('broken', async () => undefined), /cannot be loaded/);
  await pool.use('a', async () => undefined);
  assert.deepEqual(pool.loaded(), ['a']);
});

test('Closing frees every model and refuses new users', async () => {
  const { pool, made } = poolOf(2);
  await pool.use('a', async () => undefined);
  await pool.close();
  await new Promise(setImmediate);
  assert.ok(made.every(({ isDisposed }) => isDisposed));
  await assert.rejects(pool.use('a', async () => undefined), /closed/);
});
