import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Tokenizer } from 'tokenizers';
import { random } from '../../src/corpora/random.ts';
import { openPieces, type TokenizerJson } from '../../src/encoders/pieces.ts';
import { isUnigram, unigram } from '../../src/encoders/unigram.ts';

const FILE = readFileSync(new URL('../fixtures/encoders/tiny-xlm-roberta/tokenizer.json', import.meta.url), 'utf8');
const json = JSON.parse(FILE) as TokenizerJson & { added_tokens: { id: number; content: string }[]; model: { vocab: [string, number][] } };

test('a text is cut where the sum of scores is highest, and unknown neighbors are one piece', () => {
  const { ids, idOf, pieceOf } = unigram({ type: 'Unigram', unk_id: 0, vocab: [['<unk>', 0], ['a', -1], ['b', -1], ['ab', -1.5], ['abc', -9], ['c', -2], ['😀', -3]] });
  assert.deepEqual(ids('ab'), [3]); // -1.5 and not -1 - 1
  assert.deepEqual(ids('abc'), [3, 5]); // -1.5 - 2 and not -9
  assert.deepEqual(ids('axy😀zb'), [1, 0, 6, 0, 2]);
  assert.deepEqual(ids(''), []);
  assert.deepEqual([idOf('ab'), idOf('x'), pieceOf(6), pieceOf(7)], [3, undefined, '😀', undefined]);
});

test('what falls back to bytes, and other models, are left to the package', () => {
  assert.ok(isUnigram(json.model));
  for (const model of [{ ...json.model, byte_fallback: true }, { ...json.model, unk_id: null }, { type: 'WordPiece', vocab: {} }, undefined]) assert.equal(isUnigram(model), false);
});

test('pieces are the package’s, whatever the word', async () => {
  const theirs = Tokenizer.fromString(FILE);
  const ours = openPieces(FILE, json);
  const generator = random(17);
  const pools = ['abcdeinorst', 'ÀéßñŁ', '\u0000\u00ad\u200d\ufe0f', '😀👩🇩', 'اللهمن', '王小明', 'ｱ①㌔ﬁ', '▁ \t\n', '<>s/unkmask', '\ud800'].map((pool) => Array.from(pool));
  const pick = <T>(from: readonly T[]): T => from[Math.floor(generator.next() * from.length)] ?? assert.fail();
  const wild = Array.from({ length: 3000 }, () => {
    const pool = [...pick(pools), ...pick(pools)];
    return Array.from({ length: 1 + Math.floor(generator.next() * 12) }, () => pick(pool)).join('');
  });
  const special = json.added_tokens.flatMap(({ content }) => [content, `a${content}b`, ` ${content}`, `${content}${content}`]);
  const words = [...wild, ...special, ...json.model.vocab.map(([piece]) => piece), '', ' ', 'x'.repeat(3000)];
  const expected = (await theirs.encodeBatch(words, { addSpecialTokens: false })).map((encoding) => encoding.getIds());
  const found = await ours.encode(words);
  words.forEach((word, index) => assert.deepEqual(found[index], expected[index], JSON.stringify(word)));
  assert.deepEqual(await ours.around(), (await theirs.encode('', null, { addSpecialTokens: true })).getIds());
  const pieces = [...json.model.vocab.map(([piece]) => piece), ...json.added_tokens.map(({ content }) => content), 'no such piece'];
  for (const piece of pieces) assert.equal(ours.idOf(piece), theirs.tokenToId(piece) ?? undefined, piece);
  for (let id = 0; id < json.model.vocab.length + 5; id++) assert.equal(ours.pieceOf(id), theirs.idToToken(id) ?? undefined, String(id));
});
