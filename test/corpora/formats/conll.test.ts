import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorsOf, read } from '../read.ts';

test('Comments of CoNLL-U are no words, and a word # is', async (t) => {
  const found = await read(t, '# newdoc id = 1\n# text = Anna # 1\n1\tAnna\tB-PER\n2\t#\tO\n3\t1\tO\n', { columns: { token: 1 } });
  assert.deepEqual(found.items, [{ tokens: ['Anna', '#', '1'], tags: ['B-PER', 'O', 'O'] }]);
});

test('A file that begins with a bracket is CoNLL all the same', async (t) => {
  for (const bracket of ['[', '{']) assert.equal((await read(t, `${bracket}\tO\nAnna\tB-PER\n`)).format, 'conll');
});

test('Raw text of one word a line may hold brackets, and spaces within a column are kept', async (t) => {
  const found = await read(t, '[\nAnna\n]\n\nhere\n', { kind: 'unlabeled' });
  assert.deepEqual([found.format, found.items], ['conll', [{ tokens: ['[', 'Anna', ']'] }, { tokens: ['here'] }]]);
  assert.deepEqual((await read(t, '10 000\tO\n')).items, [{ tokens: ['10 000'], tags: ['O'] }]);
});

test('Columns of raw text may hold anything', async (t) => {
  const found = await read(t, 'Anna NNP x\nsings VBZ y\n', { kind: 'unlabeled', format: 'conll' });
  assert.deepEqual(found.items, [{ tokens: ['Anna', 'sings'] }]);
});

test('WikiAnn’s prefix is taken off, and other colons stay', async (t) => {
  const found = await read(t, 'en:Re:Zero\tB-ORG\nen::\tO\nen:en:\tO\n');
  assert.deepEqual([found.format, found.items], ['wikiann', [{ tokens: ['Re:Zero', ':', 'en:'], tags: ['B-ORG', 'O', 'O'] }]]);
  assert.deepEqual((await read(t, 'Anna\tB-PER\nre:invent\tO\n', { format: 'wikiann' })).items, [{ tokens: ['Anna', 're:invent'], tags: ['B-PER', 'O'] }]);
});

for (const [name, content, options, expected] of [
  ['tags, each in its line and column, also in a last sentence without an end', '人 x B-PER\nb x PER\n\nc x O\nd x per\ne x O', {}, [[2, 5], [5, 5]]],
  ['a line without a tab in a file with tabs', 'a\tO\nb c\n', {}, [[2, 4]]],
  ['an empty word', 'a\tO\n\tO\n', {}, [[2, 1]]],
  ['a token column that the file has not', 'a\tO\nb\tO\n', { columns: { token: 7 } }, [[1, 1]]],
  ['a tag column that the file has not', 'a\tO\nb\tO\n', { columns: { tag: 2 } }, [[1, 1]]],
  ['one column in labeled data', '\n\na\nb\n', {}, [[3, 1]]],
  ['a file without blank lines', 'a\tO\n'.repeat(250_000), {}, [[1, 1]]],
  ['a word that is a file', `${'x'.repeat(20_000)}\tO\n`, {}, [[1, 1]]],
  ['blank lines alone', '\n\n-DOCSTART- -X- O\n\n', {}, [[1, 1]]],
] as const) {
  test(`Refused with line and column: ${name}`, async (t) => {
    assert.deepEqual((await errorsOf(t, content, options)).map(({ line, column }) => [line, column]), expected);
  });
}
