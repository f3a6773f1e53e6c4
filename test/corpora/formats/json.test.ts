import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorsOf, read } from '../read.ts';

const ONE = { tokens: ['a "]} \\'], tags: ['O'] };

for (const [name, content] of [
  ['on one line', JSON.stringify([ONE, ONE])],
  ['an object a line', `[\n${JSON.stringify(ONE)},\n${JSON.stringify(ONE)}\n]\n`],
  ['indented', JSON.stringify([ONE, ONE], null, 2)],
] as const) {
  test(`A list ${name} is read as JSON lines are`, async (t) => {
    const found = await read(t, content);
    assert.deepEqual([found.format, found.items], ['jsonl', [ONE, ONE]]);
  });
}

test('Spaces around words are taken off', async (t) => {
  assert.deepEqual((await read(t, '{"tokens":[" a"],"tags":["O"]}')).items, [{ tokens: ['a'], tags: ['O'] }]);
});

test('Tags that are null are absent', async (t) => {
  assert.deepEqual((await read(t, '{"tokens":["a"],"tags":null}', { kind: 'unlabeled' })).items, [{ tokens: ['a'] }]);
});

const jsonl = { format: 'jsonl' } as const;
for (const [name, content, options, expected] of [
  ['a bad tag in the middle of the file', '{"tokens":["a"],"tags":["O"]}\n\n{"tokens":["a","b","c"],"tags":["O","x","O"]}\n', {}, [[3, 37]]],
  ['a bad tag in an indented list', JSON.stringify([ONE, { tokens: ['👩'], tags: ['?'] }], null, 2), {}, [[15, 7]]],
  ['a bad tag behind an emoji, in a list on one line', '[{"tokens":["👩"],"tags":["O"]},{"tokens":["👩"],"tags":["?"]}]', {}, [[1, 56]]],
  ['words that are no strings', '{"tokens":["a",1],"tags":["O","O"]}', jsonl, [[1, 16]]],
  ['no words', '{"tokens":[],"tags":[]}', {}, [[1, 11]]],
  ['a word with a line break', '{"tokens":["a\\nb"],"tags":["O"]}', {}, [[1, 12]]],
  ['a label with a lone surrogate', '{"tokens":["a"],"tags":["B-\\ud800"]}', {}, [[1, 25]]],
  ['a value that is no object', '1\n"a"\nnull\n', jsonl, [[1, 1], [2, 1], [3, 1]]],
  ['a list that does not end', '[{"tokens":["a"],"tags":["O"]},\n', {}, [[1, 1]]],
  ['a list with something else', '[{"tokens":["a"],"tags":["O"]}, 7]', {}, [[1, 33]]],
  ['a list with something after it', '[{"tokens":["a"],"tags":["O"]}]\nmore', {}, [[2, 1]]],
  ['nulls in a list', '[null]', jsonl, [[1, 2]]],
  ['an empty list', '[]', {}, [[1, 1]]],
  ['nesting without end', `{"tokens":${'['.repeat(200_000)}`, jsonl, [[1, 1]]],
  ['pairs in labeled data', '{"left":{"tokens":["a"],"word":0},"right":{"tokens":["b"],"word":0}}', {}, [[1, 1]]],
  ['a sentence among pairs', '{"tokens":["a"]}', { kind: 'pairs' }, [[1, 1], [1, 1]]],
  ['tags of one side of a pair', '{"left":{"tokens":["a"],"tags":["O"]},"right":{"tokens":["b"],"word":0}}', { kind: 'pairs' }, [[1, 47]]],
  ['a pair that is neither same nor not', '{"left":{"tokens":["a"],"word":0},"right":{"tokens":["b"],"word":0},"same":1}', { kind: 'pairs' }, [[1, 76]]],
] as const) {
  test(`Refused with line and column: ${name}`, async (t) => {
    assert.deepEqual((await errorsOf(t, content, options)).map(({ line, column }) => [line, column]), expected);
  });
}
