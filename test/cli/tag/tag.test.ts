import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fail } from '../../../src/errors.ts';
import { entity, linesOf, tag, world } from './world.ts';

test('a file becomes a file', async (t) => {
  const it = await world(t);
  await t.test('text as JSON lines, by the checkpoint that the alias names now', async () => {
    const { said, failure, path } = await tag(it, 'Ana Li\n\n', { language: 'es', threshold: '0.5', 'offset-unit': 'utf16', aggregation: 'max' });
    assert.equal(failure, null);
    assert.deepEqual(said, ['Reading IN as text', 'never scored', '2 texts in IN.tagged.jsonl, 2 entities found by CKPT of RUN']);
    assert.equal(await readFile(`${path}.tagged.jsonl`, 'utf8'), `{"text":"Ana Li","entities":[${entity('Ana')},${entity('Li', 4)}]}\n{"text":"","entities":[]}\n`);
    assert.deepEqual(it.asked.pop(), { texts: ['Ana Li', ''], language: 'es', threshold: 0.5, offsetUnit: 'utf16', aggregation: 'max', model: it.checkpointId });
    assert.ok(!existsSync(`${path}.tagged.jsonl.partial`) && !existsSync(`${path}.tagged.jsonl.partial.json`));
  });
  await t.test('it is not written over, unless that is asked for', async () => {
    assert.equal((await tag(it, 'Eva\n')).failure, 'IN.tagged.jsonl is there already; --restart makes it anew');
    assert.equal((await tag(it, 'Eva\n', { restart: true })).failure, null);
  });
  await t.test('JSON lines as CoNLL: texts are cut into words, a text without words is no sentence', async () => {
    const { path, failure } = await tag(it, '{"text":"Ana, Li"}\n{"text":" "}\n{"tokens":["Eva"]}\n', { format: 'conll' });
    assert.equal(failure, null);
    assert.equal(await readFile(`${path}.tagged.conll`, 'utf8'), 'Ana\tB-PER\n,\tO\nLi\tB-PER\n\nEva\tB-PER\n\n');
  });
  await t.test('words as JSON lines keep their id', async () => {
    const { path } = await tag(it, '{"id":7,"tokens":["Eva"]}\n', { restart: true });
    assert.equal(await readFile(`${path}.tagged.jsonl`, 'utf8'), `{"id":7,"tokens":["Eva"],"tags":["B-PER"],"entities":[${entity('Eva')}]}\n`);
  });
  await t.test('a model that is not there', async () => assert.equal((await tag(it, 'a\n', { model: 'other', restart: true })).failure, 'There is no model "other"'));
});

test('a service that is busy is asked again', { timeout: 60_000 }, async (t) => {
  const it = await world(t);
  it.failures.push(fail('OVERLOADED', { requests: 9, pieces: 900, retryAfterSeconds: 1 }));
  assert.equal((await tag(it, 'Ana Li\n')).failure, null);
});

const LONG = 'a'.repeat(2_000_001);
/** One text a line: what can be read, then what cannot. */
const MIXED = Buffer.concat([Buffer.from(`Ana\n${LONG}\nunread\n`), Buffer.from([0x61, 0xff]), Buffer.from('\nEva\n')]);

test('what cannot be tagged does not stop the others', async (t) => {
  const it = await world(t);
  await t.test('in JSON lines it is an error', async () => {
    const { failure, errors, said, path } = await tag(it, MIXED, { language: 'es' });
    assert.deepEqual([failure, errors], [null, 2]);
    const lines = await linesOf(`${path}.tagged.jsonl`);
    const { error } = lines[1] as { error: { code: string; detail: string } };
    assert.match(error.detail, /2000000/);
    assert.deepEqual(lines, [
      { text: 'Ana', entities: [JSON.parse(entity('Ana'))] },
      { line: 2, error: { code: error.code, detail: error.detail } },
      { text: 'unread', entities: [JSON.parse(entity('unread'))], truncated: true },
      { line: 4, error: { code: 'LINE_INVALID', detail: 'the bytes are not UTF-8 (0xff)', column: 2 } },
      { text: 'Eva', entities: [JSON.parse(entity('Eva'))] },
    ]);
    assert.deepEqual(said.slice(-3).join('\n').split('\n').slice(-3), [
      '5 texts in IN.tagged.jsonl, 3 entities found by CKPT of RUN',
      '1 texts were not read to their end',
      '2 texts could not be tagged and are errors there',
    ]);
    assert.ok(said.includes('IN, line 4, column 2: the bytes are not UTF-8 (0xff)'));
    const summary = { format: 'jsonl', input: 'auto', model: 'default', checkpointId: it.checkpointId, runId: it.runId, language: 'es', texts: 5, entities: 3, errors: 2, truncated: 1 };
    assert.deepEqual(await linesOf(`${path}.tagged.jsonl.summary.json`), [summary]);
  });
  await t.test('in CoNLL it is a comment, and the same texts are taken', async () => {
    const { failure, errors, path } = await tag(it, MIXED, { format: 'conll', model: it.checkpointId });
    assert.deepEqual([failure, errors], [null, 2]);
    const content = await readFile(`${path}.tagged.conll`, 'utf8');
    assert.match(content, /^Ana\tB-PER\n\n# error = line 2: \w+: .*2000000.*\n\nunread\tB-PER\n\n# error = line 4, column 2: LINE_INVALID: .*\n\nEva\tB-PER\n\n$/);
  });
  await t.test('a text of many words, and one of a giant word, are sentences of CoNLL', async () => {
    const { failure, errors, path } = await tag(it, `${'a '.repeat(100_001)}\n${'b'.repeat(10_001)}\n`, { format: 'conll', restart: true });
    assert.deepEqual([failure, errors], [null, 0]);
    assert.deepEqual((await readFile(`${path}.tagged.conll`, 'utf8')).split('\n\n')[0]?.split('\n').length, 100_001);
  });
  await t.test('words that are too many for the service are an error', async () => {
    const { errors, path } = await tag(it, `{"id":7,"tokens":["${LONG}"]}\n{"tokens":["Eva"]}\n`, { restart: true });
    const [first, second] = (await linesOf(`${path}.tagged.jsonl`)) as [{ id: number; line: number; error: object }, { tags: string[] }];
    assert.deepEqual([errors, first.id, first.line, Object.keys(first.error), second.tags], [1, 7, 1, ['code', 'detail'], ['B-PER']]);
  });
  await t.test('unless nothing of the kind is wanted', async () => {
    const strict = await tag(it, MIXED, { restart: true, strict: true });
    assert.match(strict.failure ?? '', /^IN, line 2: .*2000000/);
    assert.equal((await tag(it, 'Ana\nEva\n', { restart: true, strict: true })).said[0], 'Going on after 1 texts by CKPT; without IN.tagged.jsonl.partial it begins anew');
    assert.deepEqual((await linesOf(`${strict.path}.tagged.jsonl`)).map((line) => (line as { text: string }).text), ['Ana', 'Eva']);
  });
});
