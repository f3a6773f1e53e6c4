import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shared } from '../../src/tagging/shared.ts';

/** Questions are answered by hand. */
function byHand(): { asked: { key: string; answer: (value: string) => void; fail: (error: Error) => void }[]; ask: (key: string) => Promise<string> } {
  const asked: ReturnType<typeof byHand>['asked'] = [];
  return { asked, ask: (key) => new Promise((answer, fail) => asked.push({ key, answer, fail })) };
}
const settle = (): Promise<void> => new Promise(setImmediate);

test('who comes while an answer is on its way shares the next one, which is asked after', async () => {
  const { asked, ask } = byHand();
  const of = shared(ask);
  const first = of('default');
  const later = [of('default'), of('default'), of('default')];
  await settle();
  assert.equal(asked.length, 1);
  asked[0]?.answer('old');
  assert.equal(await first, 'old');
  await settle();
  assert.equal(asked.length, 2);
  asked[1]?.answer('new');
  assert.deepEqual(await Promise.all(later), ['new', 'new', 'new']);
  void of('default');
  assert.equal(asked.length, 3, 'nothing is kept');
});

test('keys do not wait for each other, and a failure is its own askers’ alone', async () => {
  const { asked, ask } = byHand();
  const of = shared(ask);
  const [first, next, other] = [of('a'), of('a'), of('b')];
  assert.deepEqual(asked.map(({ key }) => key), ['a', 'b']);
  asked[0]?.fail(new Error('no database'));
  await assert.rejects(first, /no database/);
  await settle();
  asked[1]?.answer('b');
  asked[2]?.answer('a');
  assert.deepEqual(await Promise.all([next, other]), ['a', 'b']);
});
