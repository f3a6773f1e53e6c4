import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withNoise } from '../../src/corpora/noise.ts';

const sentences = Array.from({ length: 50 }, () => ({ tokens: ['Ana', 'lives', 'in', 'Ñuñoa', '2026', ',', '東京', 'नमस्ते'], tags: ['B-PER', 'O', 'O', 'B-LOC', 'O', 'O', 'B-LOC', 'O'] }));

test('letters are exchanged in about the share that was asked for, capitals for capitals; the rest stays', () => {
  const noisy = withNoise(sentences, { share: 0.3, seed: 1 });
  const [before, after] = [sentences, noisy].map((text) => text.flatMap(({ tokens }) => tokens.flatMap((token) => Array.from(token))));
  assert.equal(after?.length, before?.length);
  const letters = before?.flatMap((character, index) => (/\p{L}/u.test(character) ? [[character, after?.[index] ?? ''] as const] : [])) ?? [];
  const changed = letters.filter(([from, to]) => from !== to).length / letters.length;
  assert.ok(changed > 0.22 && changed < 0.3, String(changed)); // some letters are drawn again
  assert.ok(letters.every(([from, to]) => /\p{L}/u.test(to) && /\p{Lu}/u.test(from) === /\p{Lu}/u.test(to)));
  assert.ok(noisy.every(({ tokens, tags }, index) => tokens[4] === '2026' && tokens[5] === ',' && tags === sentences[index]?.tags));
});

test('no share leaves the text as it is, and a seed gives the same text again', () => {
  assert.deepEqual(withNoise(sentences, { share: 0, seed: 1 }), sentences);
  assert.deepEqual(withNoise(sentences, { share: 0.5, seed: 4 }), withNoise(sentences, { share: 0.5, seed: 4 }));
  assert.notDeepEqual(withNoise(sentences, { share: 0.5, seed: 4 }), withNoise(sentences, { share: 0.5, seed: 5 }));
});
