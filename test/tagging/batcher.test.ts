import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batcher } from '../../src/tagging/batcher.ts';
import { fakeModel, piecesOf, recognizerOf } from './fake-model.ts';

const sentences = (count: number, word: string): string[][] => Array.from({ length: count }, (_, index) => [`${word}${'x'.repeat(index)}`]);

test('Requests that come while a batch is computed share the next one, and each gets its own results in order', async () => {
  const { recognizer, calls } = fakeModel({ delayMs: 5 });
  const { recognize } = batcher();
  const asked = [sentences(1, 'a'), sentences(3, 'b'), sentences(2, 'c')];
  const answers = await Promise.all(asked.map((each) => recognize(recognizer, each)));
  assert.deepEqual(answers.map((answer) => answer.map(({ pieces }) => pieces)), asked.map((each) => each.map(([word = '']) => piecesOf(word))));
  assert.deepEqual(calls.map((call) => call.length), [1, 5]);
});

test('A long list delays a short one by a batch', async () => {
  const { recognizer, calls } = fakeModel({ delayMs: 1 });
  const { recognize } = batcher();
  const long = recognize(recognizer, Array.from({ length: 50 }, () => Array.from({ length: 200 }, () => 'word')));
  const short = await recognize(recognizer, [['Ada']]);
  assert.equal(short.length, 1);
  assert.ok(calls.length <= 2, `${calls.length} calls before the short one was answered`);
  assert.equal((await long).length, 50);
});

test('Requests of two models are never mixed', async () => {
  const [one, two] = [fakeModel({ delayMs: 2 }), fakeModel({ delayMs: 2 })];
  const { recognize } = batcher();
  await Promise.all(['a', 'b', 'c', 'd'].map((word, index) => recognize((index % 2 === 0 ? one : two).recognizer, [[word]])));
  assert.deepEqual(one.calls.flat(2).sort(), ['a', 'c']);
  assert.deepEqual(two.calls.flat(2).sort(), ['b', 'd']);
});

test('What its client gave up is not computed', async () => {
  const { recognizer, calls } = fakeModel({ delayMs: 5 });
  const { recognize } = batcher();
  const aborting = new AbortController();
  const first = recognize(recognizer, [['a']]);
  const gone = recognize(recognizer, [['b']], { signal: aborting.signal });
  const last = recognize(recognizer, [['c']]);
  aborting.abort(new Error('gone'));
  await assert.rejects(gone, /gone/);
  await Promise.all([first, last]);
  assert.deepEqual(calls.flat(2), ['a', 'c']);
});

test('An error is that of its batch, and the next ones go on', async () => {
  let calls = 0;
  const recognizer = recognizerOf((batch) => (calls++ === 0 ? Promise.reject(new Error('broken')) : Promise.resolve(batch.map(() => ({ probs: new Float32Array(5), pieces: 1, windows: 1 })))));
  const { recognize } = batcher();
  const first = recognize(recognizer, [['a']]);
  const second = recognize(recognizer, [['b']]);
  await assert.rejects(first, /broken/);
  assert.equal((await second).length, 1);
});

test('No sentences need no model', async () => {
  const { recognizer, calls } = fakeModel();
  assert.deepEqual(await batcher().recognize(recognizer, []), []);
  assert.equal(calls.length, 0);
});
