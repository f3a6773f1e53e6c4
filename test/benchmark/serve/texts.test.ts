import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LENGTHS, mixedTexts } from '../../../src/benchmark/serve/texts.ts';

test('the same seed gives the same texts, another one others', () => {
  assert.deepEqual(mixedTexts(50, 1), mixedTexts(50, 1));
  assert.notDeepEqual(mixedTexts(50, 1), mixedTexts(50, 2));
});

test('texts come in all languages and lengths, the shares of which are whole', () => {
  const texts = mixedTexts(400, 1);
  assert.equal(LENGTHS.reduce((sum, { share }) => sum + share, 0), 1);
  const chinese = texts.filter((text) => /\p{Script=Han}/u.test(text));
  assert.ok(chinese.length > 40 && chinese.length < 120, String(chinese.length));
  assert.ok(chinese.every((text) => !text.includes(' ')));
  const lengths = texts.map(({ length }) => length).sort((a, b) => a - b);
  assert.ok((lengths[360] ?? 0) > 3 * (lengths[100] ?? 0), lengths.join());
});
