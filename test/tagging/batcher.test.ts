import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BATCH_PIECES, batcher, type Sequence } from '../../src/tagging/batcher.ts';
import { fakeModel, gate, recognizerOf } from './fake-model.ts';

const named = (name: string, count = 1, pieces = 10): Sequence[] => Array.from({ length: count }, (_, index) => ({ words: [`${name}${index}`, ...Array<string>(index).fill('x')], pieces }));
/** As many windows of 128 pieces as eight batches hold. */
const long = (name: string): Sequence[] => named(name, 8 * 8, BATCH_PIECES / 8);
/** Which sequences each call had, by their first words. */
const namesOf = (calls: string[][][]): string[][] => calls.map((call) => call.map(([word = '']) => word));

test('An idle model begins at once, with nothing awaited', () => {
  const { recognizer, calls } = fakeModel();
  void batcher().recognize(recognizer, named('a'));
  assert.deepEqual(namesOf(calls), [['a0']]);
});

test('Requests that come while a batch is computed share the next one, and each gets its own results in order', async () => {
  const { work, open } = gate();
  const { recognizer, calls } = fakeModel({ work });
  const { recognize } = batcher();
  const asked = [named('a'), named('b', 3), named('c', 2)];
  const answers = asked.map((each) => recognize(recognizer, each));
  open();
  // the fake gives as many distributions as a sequence has words
  const words = (await Promise.all(answers)).map((answer) => answer.map(({ probs }) => probs.length / 5));
  assert.deepEqual(words, asked.map((each) => each.map((sequence) => sequence.words.length)));
  assert.deepEqual(namesOf(calls), [['a0'], ['b0', 'c0', 'b1', 'c1', 'b2']]);
});

test('A long document or list keeps a short one waiting no longer than the batch under way', async () => {
  const { work, open } = gate();
  const { recognizer, calls } = fakeModel({ work });
  const { recognize } = batcher();
  const first = recognize(recognizer, long('long'));
  const short = recognize(recognizer, named('short'));
  open();
  await short;
  assert.deepEqual(namesOf(calls).map((names) => names.includes('short0')), [false, true]);
  assert.equal((await first).length, 64);
  assert.equal(calls.length, 9);
});

test('Two long ones advance side by side', async () => {
  const { recognizer, calls } = fakeModel();
  const { recognize } = batcher();
  await Promise.all(['a', 'b'].map((name) => recognize(recognizer, long(name))));
  for (const names of namesOf(calls).slice(1, 8)) assert.equal(names.filter((name) => name.startsWith('a')).length, 4);
});

test('A client’s many requests take one turn together', async () => {
  const { work, open } = gate();
  const { recognizer, calls } = fakeModel({ work });
  const { recognize } = batcher();
  const many = Array.from({ length: 100 }, (_, index) => recognize(recognizer, named(`many${index}.`, 1, BATCH_PIECES / 4), { client: 'many' }));
  const few = recognize(recognizer, named('few', 4, BATCH_PIECES / 4), { client: 'few' });
  open();
  await few;
  assert.deepEqual(namesOf(calls), [['many0.0'], ['many1.0', 'few0', 'many2.0', 'few1'], ['many3.0', 'few2', 'many4.0', 'few3']]);
  await Promise.all(many);
});

test('A sequence larger than a batch is computed alone, and batches are full', async () => {
  const { recognizer, calls } = fakeModel();
  await batcher().recognize(recognizer, [...named('a', 1, BATCH_PIECES + 1), ...named('b', 5, BATCH_PIECES / 4)]);
  assert.deepEqual(namesOf(calls), [['a0'], ['b0', 'b1', 'b2', 'b3'], ['b4']]);
});

test('Requests of two models are never mixed, and take turns', async () => {
  const [one, two] = [fakeModel(), fakeModel()];
  const { recognize } = batcher();
  await Promise.all(['a', 'b', 'c', 'd'].map((name, index) => recognize((index % 2 === 0 ? one : two).recognizer, named(name))));
  assert.deepEqual(namesOf(one.calls), [['a0'], ['c0']]);
  assert.deepEqual(namesOf(two.calls), [['b0', 'd0']]);
});

test('What its client gave up is not computed, and waits no more', async () => {
  const { work, open } = gate();
  const { recognizer, calls } = fakeModel({ work });
  const { recognize, waiting } = batcher();
  const aborting = new AbortController();
  const first = recognize(recognizer, named('a'));
  const gone = recognize(recognizer, named('b', 100), { signal: aborting.signal });
  const last = recognize(recognizer, named('c'));
  assert.equal(waiting().pieces, 1020);
  aborting.abort(new Error('gone'));
  await assert.rejects(gone, /gone/);
  assert.equal(waiting().pieces, 20);
  open();
  await Promise.all([first, last]);
  assert.deepEqual(namesOf(calls), [['a0'], ['c0']]);
  assert.equal(waiting().pieces, 0);
});

test('What is given up while it is computed goes no further, and ends when the model is read no more for it', async () => {
  const { work, open } = gate();
  const { recognizer, calls } = fakeModel({ work });
  const { recognize, waiting } = batcher();
  const aborting = new AbortController();
  const gone = recognize(recognizer, long('a'), { signal: aborting.signal });
  const state = { hasEnded: false };
  const ended = assert.rejects(gone, /gone/).then(() => (state.hasEnded = true));
  aborting.abort(new Error('gone'));
  await new Promise(setImmediate);
  assert.deepEqual([state.hasEnded, waiting().pieces], [false, 0]);
  open();
  await ended;
  await recognize(recognizer, named('b'));
  assert.deepEqual([calls.length, waiting().pieces], [2, 0]);
  await assert.rejects(recognize(recognizer, named('c'), { signal: aborting.signal }), /gone/);
});

test('What one request breaks is its own error: those that shared its batch are answered', async () => {
  const calls: number[] = [];
  const recognizer = recognizerOf(async (batch) => {
    calls.push(batch.length);
    await new Promise(setImmediate);
    if (batch.flat().includes('bad1')) throw new Error('broken');
    return batch.map(() => ({ probs: new Float32Array(5), pieces: 1, windows: 1 }));
  });
  const { recognize, waiting } = batcher();
  const answers = await Promise.allSettled([named('first'), named('a', 2), named('bad', 3), named('b')].map((each) => recognize(recognizer, each)));
  assert.deepEqual(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.length : String(answer.reason))), [1, 2, 'Error: broken', 1]);
  assert.deepEqual(calls, [1, 6, 2, 3, 1]);
  assert.equal(waiting().pieces, 0);
  assert.equal((await recognize(recognizer, named('next'))).length, 1);
});

test('How long the rest takes follows from what the last batches took', async () => {
  const { recognizer } = fakeModel({ work: () => new Promise((resolve) => setTimeout(resolve, 20)) });
  const { recognize, waiting } = batcher();
  assert.deepEqual(waiting(), { pieces: 0, seconds: 0 });
  await recognize(recognizer, named('a', 1, 100));
  const { work, open } = gate();
  const rest = recognize(fakeModel({ work }).recognizer, named('b', 1, 1000));
  const { pieces, seconds } = waiting();
  // a hundred took some 20 ms or more
  assert.ok(pieces === 1000 && seconds > 0.15, `${pieces} pieces in ${seconds} s`);
  open();
  await rest;
  assert.deepEqual(waiting(), { pieces: 0, seconds: 0 });
});

test('No sequences need no model', async () => {
  const { recognizer, calls } = fakeModel();
  assert.deepEqual(await batcher().recognize(recognizer, []), []);
  assert.equal(calls.length, 0);
});
