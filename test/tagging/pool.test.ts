import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelPool } from '../../src/tagging/pool.ts';
import { fakeModel, type FakeModel } from './fake-model.ts';

/** Of the models of the same name; others take 1. */
const SIZES: Readonly<Record<string, number>> = { big: 3, huge: 9 };

function poolOf(budgetBytes: number): { pool: ReturnType<typeof modelPool>; made: FakeModel[] } {
  const made: FakeModel[] = [];
  const load = async (checkpointId: string): Promise<FakeModel> => {
    if (checkpointId === 'broken') throw new Error('cannot be loaded');
    const model = fakeModel({ checkpointId });
    made.push(model);
    return model;
  };
  const find = async (checkpointId: string): ReturnType<Parameters<typeof modelPool>[0]['find']> => {
    if (checkpointId === 'none') throw new Error('is not there');
    return { sizeBytes: SIZES[checkpointId] ?? 1, load: () => load(checkpointId) };
  };
  return { pool: modelPool({ find, budgetBytes }), made };
}

async function useAll({ pool }: ReturnType<typeof poolOf>, checkpointIds: readonly string[]): Promise<void> {
  for (const checkpointId of checkpointIds) await pool.use(checkpointId, async () => undefined);
  await new Promise(setImmediate);
}

test('A model is loaded once for all who ask at the same time', async () => {
  const { pool, made } = poolOf(2);
  await Promise.all([1, 2, 3].map(() => pool.use('a', async () => undefined)));
  assert.equal(made.length, 1);
  assert.deepEqual(pool.loaded(), ['a']);
});

test('Beyond the budget the longest unused goes', async () => {
  const of = poolOf(2);
  await useAll(of, ['a', 'b', 'a', 'c']);
  assert.deepEqual(of.pool.loaded(), ['a', 'c']);
  assert.deepEqual(of.made.map(({ isDisposed }) => isDisposed), [false, true, false]);
});

const ROOM: [name: string, budget: number, used: string[], kept: string[]][] = [
  ['a large model takes the room of several', 4, ['a', 'b', 'c', 'big'], ['c', 'big']],
  ['small ones beside a large one, while they fit', 4, ['big', 'a', 'b'], ['a', 'b']],
  ['what is larger than the budget is loaded all the same, alone', 4, ['a', 'b', 'huge'], ['huge']],
  ['and goes for the next', 4, ['huge', 'a'], ['a']],
  ['what cannot be loaded takes no room', 2, ['a', 'b'], ['a', 'b']],
];
for (const [name, budget, used, kept] of ROOM) {
  test(`Room: ${name}`, async () => {
    const of = poolOf(budget);
    for (const wrong of ['broken', 'none']) await assert.rejects(of.pool.use(wrong, async () => undefined));
    await useAll(of, used);
    assert.deepEqual(of.pool.loaded(), kept);
    assert.deepEqual(of.made.filter(({ isDisposed }) => !isDisposed).map(({ checkpointId }) => checkpointId), kept);
  });
}

test('Room is made before a model is loaded', async () => {
  const loadedThen: string[][] = [];
  const pool = modelPool({ budgetBytes: 1, find: async (checkpointId) => ({ sizeBytes: 1, load: async () => {
    loadedThen.push(pool.loaded());
    return fakeModel({ checkpointId });
  } }) });
  for (const checkpointId of ['a', 'b']) await pool.use(checkpointId, async () => undefined);
  assert.deepEqual(loadedThen, [[], []]);
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
