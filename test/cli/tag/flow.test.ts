import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { batchesOf, inOrder, weightOf } from '../../../src/cli/tag/flow.ts';
import type { Source } from '../../../src/cli/tag/source.ts';

async function* given<T>(items: readonly T[], failure?: Error): AsyncGenerator<T> {
  yield* items;
  if (failure !== undefined) throw failure;
}

async function taken<T>(source: AsyncIterable<T>): Promise<{ items: T[]; failure: string | null }> {
  const items: T[] = [];
  try {
    for await (const item of source) items.push(item);
  } catch (error) {
    return { items, failure: error instanceof Error ? error.message : String(error) };
  }
  return { items, failure: null };
}

const one = (limit: number) => ({ limit, weightOf: () => 1 });
const text = (line: number, chars = 1): Source => ({ text: 'a'.repeat(chars), line });
const LINES: [name: string, sources: Source[], sizes: number[]][] = [
  ['by count', Array.from({ length: 130 }, (_, line) => text(line)), [64, 64, 2]],
  ['by length, a long one alone', [text(1, 60_000), text(2, 60_000), text(3, 500_000), text(4)], [1, 1, 1, 1]],
  ['by kind, whatever cannot be read stands between', [text(1), { fault: { code: 'X', detail: '' }, line: 2 }, text(3), { tokens: ['a'], line: 4 }], [3, 1]],
  ['by kind', [text(1), { tokens: ['a'], line: 2 }, { tokens: [], line: 3 }, text(4)], [1, 2, 1]],
];
for (const [name, sources, sizes] of LINES) {
  test(`batches end ${name}`, async () => {
    const { items } = await taken(batchesOf(given(sources)));
    assert.deepEqual(items.map(({ length }) => length), sizes);
    assert.deepEqual(items.flat(), sources);
  });
}

test('what came before a failure is a batch still', async () => {
  assert.deepEqual(await taken(batchesOf(given([text(1)], new Error('line 2')))), { items: [[text(1)]], failure: 'line 2' });
});

test('results keep their order, and no more are under way than may be', async () => {
  let [underWay, most] = [0, 0];
  const work = async (item: number): Promise<number> => {
    most = Math.max(most, ++underWay);
    await wait(item % 3);
    underWay--;
    return item;
  };
  const items = Array.from({ length: 20 }, (_, index) => index);
  assert.deepEqual(await taken(inOrder(given(items), one(3), work)), { items, failure: null });
  assert.equal(most, 3);
});

test('a source that fails does so when all before it are done', async () => {
  assert.deepEqual(await taken(inOrder(given([1, 2], new Error('broken')), one(4), async (item) => item)), { items: [1, 2], failure: 'broken' });
});

test('work that fails leaves no hole', async () => {
  const work = async (item: number): Promise<number> => (item === 2 ? Promise.reject(new Error('refused')) : item);
  assert.deepEqual(await taken(inOrder(given([1, 2, 3]), one(3), work)), { items: [1], failure: 'refused' });
});

test('a text of many requests of the usual length is read alone', async () => {
  let underWay = 0;
  const beside: number[] = [];
  const work = async (batch: readonly Source[]): Promise<void> => {
    underWay++;
    await wait(1);
    beside.push(underWay);
    if (batch[0]?.line === 3) assert.equal(underWay, 1);
    underWay--;
  };
  const long = [text(1, 90_000), text(2, 90_000), text(3, 2_000_000), text(4, 90_000), text(5, 90_000)];
  assert.equal((await taken(inOrder(batchesOf(given(long)), { limit: 4, weightOf }, work))).failure, null);
  assert.deepEqual([beside.length, Math.max(...beside)], [5, 2]);
});
