import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorsOf, read } from '../read.ts';

const TEXT = '👩 Anna sings';
const EXPECTED = { tokens: ['👩', 'Anna', 'sings'], tags: ['O', 'B-PER', 'O'] };
const studio = (value: object, more: object = {}) => ({ data: { text: TEXT }, annotations: [{ result: [{ type: 'choices', value: { choices: ['x'] } }, { value }], ...more }] });

for (const [name, object] of [
  ['Prodigy with its own words', { text: TEXT, tokens: [{ text: '👩', start: 0, end: 1, id: 0 }], spans: [{ start: 2, end: 6, token_start: 1, token_end: 1, label: 'PER' }], answer: 'accept' }],
  ['doccano with entities', { text: TEXT, entities: [{ id: 1, label: 'PER', start_offset: 2, end_offset: 6 }], relations: [] }],
  ['doccano with a space in its span', { text: TEXT, label: [[2, 7, 'PER']] }],
  ['Label Studio in code points', studio({ start: 2, end: 6, labels: ['PER'] })],
  ['Label Studio in UTF-16 units, as its words show', studio({ start: 3, end: 7, text: 'Anna', labels: ['PER'] })],
  ['Label Studio’s short form', { text: TEXT, label: [{ start: 3, end: 7, text: 'Anna', labels: ['PER'] }] }],
] as const) {
  test(`${name} is read`, async (t) => {
    const found = await read(t, `${JSON.stringify(object)}\n`);
    assert.deepEqual([found.format, found.items, found.warnings], ['spans', [EXPECTED], []]);
    assert.deepEqual((await read(t, JSON.stringify([object, object], null, 1))).items, [EXPECTED, EXPECTED]);
  });
}

test('What nobody has annotated or somebody has refused is left out of labeled data', async (t) => {
  const objects = [
    { text: TEXT, spans: [{ start: 2, end: 6, label: 'PER' }], answer: 'reject' },
    { data: { text: TEXT }, annotations: [] },
    studio({ start: 3, end: 7, labels: ['PER'] }, { was_cancelled: true }),
    { text: TEXT },
    { text: TEXT, label: [[2, 6, 'PER']] },
  ];
  const found = await read(t, objects.map((object) => JSON.stringify(object)).join('\n'));
  assert.deepEqual(found.items, [EXPECTED]);
  assert.deepEqual(found.warnings, ['4 texts were left out: rejected, skipped or not annotated']);
});

test('Texts alone are raw text', async (t) => {
  assert.deepEqual((await read(t, '{"text":"Anna sings."}\n', { kind: 'unlabeled' })).items, [{ tokens: ['Anna', 'sings', '.'] }]);
});

test('Where words have no spaces a span’s end cuts them', async (t) => {
  const found = await read(t, '{"text":"东京塔很高","spans":[{"start":0,"end":1,"label":"LOC"}]}', { language: 'zh' });
  const [sentence] = found.items as { tokens: string[]; tags: string[] }[];
  assert.equal(sentence?.tokens[0], '东');
  assert.equal(sentence.tags[0], 'B-LOC');
  assert.equal(sentence.tokens.join(''), '东京塔很高');
  assert.deepEqual(found.warnings, ['1 words of scripts without spaces were cut at the end of a span']);
});

for (const [name, content, expected] of [
  ['a span beyond the text', '{"text":"Anna","spans":[{"start":0,"end":9,"label":"PER"}]}', [[1, 25]]],
  ['a span without a label', '{"text":"Anna","spans":[{"start":0,"end":4}]}', [[1, 25]]],
  ['a label with a space', '{"text":"Anna","spans":[{"start":0,"end":4,"label":"A B"}]}', [[1, 25]]],
  ['a span of nothing', '{"text":"Anna","spans":[{"start":2,"end":2,"label":"PER"}]}', [[1, 25]]],
  ['a start that is no number', '{"text":"Anna","spans":[{"start":null,"end":4,"label":"PER"}]}', [[1, 25]]],
  ['a span that is null', '{"text":"Anna","spans":[null]}', [[1, 25]]],
  ['spans that are no list', '{"text":"Anna","spans":{}}', [[1, 1]]],
  ['no text', '{"spans":[]}', [[1, 1]]],
  ['a lone surrogate', '{"text":"\\udc00 Anna","spans":[]}', [[1, 1]]],
  ['a span in the second object of an indented list', JSON.stringify([{ text: 'a', label: [] }, { text: 'Anna', label: [[0, 2, 'PER']] }], null, 1), [[9, 4]]],
] as const) {
  test(`Refused with line and column: ${name}`, async (t) => {
    assert.deepEqual((await errorsOf(t, content)).map(({ line, column }) => [line, column]), expected);
  });
}
