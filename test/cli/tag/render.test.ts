import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render, renderFault } from '../../../src/cli/tag/render.ts';
import type { Entity, NerResult } from '../../../src/schemas/ner.ts';

const entity = (start: number, end: number, rest: Partial<Entity> = {}): Entity => ({ label: 'PER', text: '', start, end, score: 1, ...rest });
const result = (entities: Entity[], rest: Partial<NerResult> = {}): NerResult => ({ entities, language: null, truncated: false, windows: 1, pieces: 1, ...rest });
const conll = (text: string, entities: Entity[]): string => render('conll', { text, line: 1 }, { result: result(entities), language: undefined });

for (const [name, text, entities, expected] of [
  ['words of an entity, and two beside each other', '😀 Ana Li Eva.', [entity(3, 9), entity(10, 13, { label: 'LOC' })], '😀\tO\nAna\tB-PER\nLi\tI-PER\nEva\tB-LOC\n.\tO\n\n'],
  ['tags of single words', 'Ana Li', [entity(0, 3, { tag: 'I-PER' }), entity(4, 6, { tag: 'B-ORG' })], 'Ana\tI-PER\nLi\tB-ORG\n\n'],
  ['words that another version cuts otherwise', 'Ana-Li Eva', [entity(0, 3)], 'Ana-Li\tB-PER\nEva\tO\n\n'],
  ['an entity without a word of its own', 'Ana-Li Eva', [entity(0, 3), entity(4, 6), entity(7, 10)], 'Ana-Li\tB-PER\nEva\tB-PER\n\n'],
  ['no words', ' ', [], ''],
] as const) {
  test(`a text as CoNLL: ${name}`, () => assert.equal(conll(text, [...entities]), expected));
}

test('a text whose end was not read says so', () => {
  const given = { result: result([], { truncated: true }), language: undefined };
  assert.equal(render('jsonl', { text: 'a', line: 1 }, given), '{"text":"a","entities":[],"truncated":true}\n');
});

test('a fault is an object with its line and id, or a comment of one line', () => {
  const fault = { code: 'TEXT_TOO_LONG', detail: '9 words,\nat most 8' };
  assert.equal(renderFault('jsonl', { id: 'x', text: 'long', line: 4 }, fault), '{"id":"x","line":4,"error":{"code":"TEXT_TOO_LONG","detail":"9 words,\\nat most 8"}}\n');
  assert.equal(renderFault('conll', { line: 4 }, { ...fault, line: 6, column: 2 }), '# error = line 6, column 2: TEXT_TOO_LONG: 9 words, at most 8\n\n');
});
