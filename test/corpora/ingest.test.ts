import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportSentences } from '../../src/corpora/export.ts';
import { ingest, readSentences, type IngestOptions } from '../../src/corpora/ingest.ts';
import { directoryStorage } from '../../src/storage/directory.ts';
import { testFolder } from '../helper.ts';
import { chunks, errorsOf, read } from './read.ts';

const ANNA = { tokens: ['Anna', 'Keller', 'lives', 'in', 'Ulm', '.'], tags: ['B-PER', 'I-PER', 'O', 'O', 'B-LOC', 'O'] };

for (const [name, content, format, scheme] of [
  ['CoNLL with tabs, a byte-order mark, CRLF and document marks', '\uFEFF-DOCSTART-\tO\r\n\r\nAnna\tB-PER\r\nKeller\tI-PER\r\nlives\tO\r\nin\tO\r\nUlm\tB-LOC\r\n.\tO\r\n', 'conll', 'IOB2'],
  ['CoNLL with four columns and spaces, in IOB1', 'Anna NNP I-NP I-PER\nKeller NNP I-NP I-PER\nlives V O O\nin P O O\nUlm NNP I-NP I-LOC\n. . O O\n\n', 'conll', 'IOB1'],
  ['IOBES', 'Anna\tB-PER\nKeller\tE-PER\nlives\tO\nin\tO\nUlm\tS-LOC\n.\tO\n', 'conll', 'IOBES'],
  ['BILOU', 'Anna\tB-PER\nKeller\tL-PER\nlives\tO\nin\tO\nUlm\tU-LOC\n.\tO\n', 'conll', 'IOBES'],
  ['WikiAnn', 'en:Anna\tB-PER\nen:Keller\tI-PER\nen:lives\tO\nen:in\tO\nen:Ulm\tB-LOC\nen:.\tO\n', 'wikiann', 'IOB2'],
  ['JSON lines', `${JSON.stringify(ANNA)}\n`, 'jsonl', 'IOB2'],
  ['Prodigy', '{"text":"Anna Keller lives in Ulm.","spans":[{"start":0,"end":11,"label":"PER"},{"start":21,"end":24,"label":"LOC"}]}\n', 'spans', 'IOB2'],
  ['doccano', '{"id":1,"text":"Anna Keller lives in Ulm.","label":[[0,11,"PER"],[21,24,"LOC"]]}\n', 'spans', 'IOB2'],
  ['Label Studio', '[{"data":{"text":"Anna Keller lives in Ulm."},"annotations":[{"result":[{"value":{"start":0,"end":11,"labels":["PER"]}},{"value":{"start":21,"end":24,"labels":["LOC"]}}]}]}]', 'spans', 'IOB2'],
] as const) {
  test(`${name} is recognized and read as IOB2`, async (t) => {
    const found = await read(t, content);
    assert.deepEqual([found.format, found.tagScheme], [format, scheme]);
    assert.deepEqual(found.items, [ANNA]);
    assert.deepEqual([found.labels, found.entities, found.sentences, found.words, found.warnings], [['LOC', 'PER'], { LOC: 1, PER: 1 }, 1, 6, []]);
    assert.equal(found.sizeBytes, Buffer.byteLength(content));
  });
}

test('the same sentences in different formats have the same digest', async (t) => {
  const a = await read(t, 'Anna\tI-PER\n\n');
  const b = await read(t, '{"tokens":["Anna"],"tags":["B-PER"]}\n');
  assert.equal(a.digest, b.digest);
});

test('spans count code points, and an emoji before them moves nothing', async (t) => {
  const found = await read(t, '{"text":"👩‍👩‍👧 Anna","spans":[{"start":6,"end":10,"label":"PER"}]}\n');
  assert.deepEqual(found.items, [{ tokens: ['👩‍👩‍👧', 'Anna'], tags: ['O', 'B-PER'] }]);
});

test('columns can be chosen', async (t) => {
  const found = await read(t, '1\tAnna\tB-PER\tx\n2\tsings\tO\tx\n', { columns: { token: 1, tag: 2 } });
  assert.deepEqual(found.items, [{ tokens: ['Anna', 'sings'], tags: ['B-PER', 'O'] }]);
});

for (const [name, content, format, items] of [
  ['one word a line', 'Anna\nsings\n\nShe\nrests\n', 'conll', [['Anna', 'sings'], ['She', 'rests']]],
  ['one sentence a line', 'Anna sings.\nShe rests.\n', 'text', [['Anna', 'sings', '.'], ['She', 'rests', '.']]],
  ['sentences without spaces that have a blank line between them', '我爱北京。\n\n你好。\n', 'text', [['我', '爱', '北京', '。'], ['你好', '。']]],
  ['an id, a tab and a sentence', '1\tAnna sings.\n2\tO Tom rests.\n\n', 'text', [['1', 'Anna', 'sings', '.'], ['2', 'O', 'Tom', 'rests', '.']]],
  ['a sentence for each id that looks like a language', 'doc:1\tAnna\ndoc:2\tTom\n', 'text', [['doc', ':', '1', 'Anna'], ['doc', ':', '2', 'Tom']]],
  ['a table of words without tags', 'Anna\t7\nTom\t8\n', 'text', [['Anna', '7'], ['Tom', '8']]],
  ['a sentence that ends with O', 'type O\n', 'text', [['type', 'O']]],
  ['CoNLL in columns of spaces', 'Anna NNP B-PER\nsings VBZ O\n', 'conll', [['Anna', 'sings']]],
  ['CoNLL after a comment', '# id 1\nAnna _ _ B-PER\nsings _ _ O\n', 'conll', [['Anna', 'sings']]],
  ['CoNLL with words of several parts', '10 000\tO\n', 'conll', [['10 000']]],
  ['CoNLL with other tags than ours', 'Anna\tNNP\nsings\tVBZ\n\nShe\tPRP\n', 'conll', [['Anna', 'sings'], ['She']]],
  ['WikiAnn', 'en:Anna\tB-PER\nen:sings\tO\n', 'wikiann', [['Anna', 'sings']]],
  ['CoNLL whose tags are dropped', 'Anna\tB-PER\n\n', 'conll', [['Anna']]],
] as const) {
  test(`raw text: ${name}`, async (t) => {
    const found = await read(t, content, { kind: 'unlabeled' });
    assert.equal(found.format, format);
    assert.deepEqual(found.items, items.map((tokens) => ({ tokens })));
    assert.deepEqual([found.tagScheme, found.labels], [null, []]);
  });
}

test('pairs of words, and of whole sentences position by position', async (t) => {
  const side = (word: number) => ({ tokens: ['a', 'b'], word });
  const lines = [{ left: side(0), right: side(1), same: true }, { left: side(1), right: side(0) }, { left: { tokens: ['a', 'b'], tags: ['O', 'B-X'] }, right: { tokens: ['c'], tags: ['O'] } }];
  const found = await read(t, lines.map((line) => JSON.stringify(line)).join('\n'), { kind: 'pairs' });
  assert.deepEqual(found.items, [lines[0], lines[1], { left: { tokens: ['a', 'b'], word: 0 }, right: { tokens: ['c'], word: 0 }, same: true }]);
  assert.deepEqual([found.pairs, found.sentences], [3, 2]);
});

for (const [name, content, options, expected] of [
  ['a line with another number of columns', 'Anna\tB-PER\nsings\n', {}, [{ line: 2, column: 6, detail: 'expected 2 columns as in the lines before, found 1' }]],
  ['what is no tag', 'Anna\tPERSON\n\n', {}, [{ line: 1, column: 6, detail: '"PERSON" is no tag; expected O, or B-, I-, E-, S-, L-, U- and a label' }]],
  ['bytes that are not UTF-8', Buffer.concat([Buffer.from('Anna\tO\nKö'), Buffer.from([0xff]), Buffer.from('ln\tO\n')]), {}, [{ line: 2, column: 3, detail: 'the bytes are not UTF-8 (0xff)' }]],
  ['an empty file', '', {}, [{ line: 1, column: 1, detail: 'the file holds no sentence (read as conll)' }]],
  ['raw text in a labeled dataset', '{"tokens":["a"]}\n', {}, [{ line: 1, column: 1, detail: 'the sentence has no tags, and the dataset is labeled' }]],
  ['tags that are too few', '{"tokens":["a","b"],"tags":["O"]}\n', {}, [{ line: 1, column: 28, detail: 'expected 2 tags, one for each token, found 1' }]],
  ['a lone surrogate', '{"tokens":["\\ud800"],"tags":["O"]}\n', {}, [{ line: 1, column: 12, detail: 'tokens[0] is no valid Unicode (a lone surrogate)' }]],
  ['a span that cuts a word', '{"text":"Anna sings","spans":[{"start":0,"end":2,"label":"PER"}]}\n', {}, [{ line: 1, column: 31, detail: 'the span PER cuts through the word "Anna"' }]],
  ['spans that overlap', '{"text":"Anna sings","spans":[{"start":0,"end":4,"label":"PER"},{"start":0,"end":10,"label":"X"}]}\n', {}, [{ line: 1, column: 65, detail: 'the span X overlaps another one' }]],
  ['a pair whose word is not there', '{"left":{"tokens":["a"],"word":1},"right":{"tokens":["a"],"word":0}}\n', { kind: 'pairs' }, [{ line: 1, column: 32, detail: 'left.word must be a position in left.tokens, 0 to 0' }]],
] as const) {
  test(`refused with its place: ${name}`, async (t) => {
    assert.deepEqual(await errorsOf(t, content as string | Buffer, options as Partial<IngestOptions>), expected);
  });
}

test('broken JSON is refused with line and column', async (t) => {
  const [error] = await errorsOf(t, '{"tokens":["a"],"tags":["O"]}\n{"tokens":["a",}\n', { format: 'jsonl' });
  assert.deepEqual([error?.line, error?.column], [2, 16]);
});

test('at most a hundred errors are told', async (t) => {
  const errors = await errorsOf(t, 'a\tO\n' + 'b\n'.repeat(500));
  assert.equal(errors.length, 100);
});

test('tags that IOB2 does not allow are read as conlleval reads them, with a warning', async (t) => {
  const found = await read(t, 'Anna\tB-PER\nof\tO\nUlm\tI-LOC\n');
  assert.deepEqual(found.items, [{ tokens: ['Anna', 'of', 'Ulm'], tags: ['B-PER', 'O', 'B-LOC'] }]);
  assert.deepEqual(found.warnings, ['1 tags I- begin an entity, which IOB2 does not allow; they are read as B-']);
});

for (const format of ['conll', 'wikiann', 'jsonl', 'spans'] as const) {
  test(`what is exported as ${format} is read back the same`, async (t) => {
    const root = await testFolder(t);
    const storage = directoryStorage(root);
    const first = await ingest(chunks(`${JSON.stringify(ANNA)}\n${JSON.stringify({ tokens: ['Zoë', '👩‍👩‍👧'], tags: ['B-PER', 'O'] })}\n`), { kind: 'labeled', format: 'jsonl', language: 'en' }, storage);
    let text = '';
    for await (const part of exportSentences(readSentences(storage, first.storageKey), format, 'en-GB')) text += part;
    const again = await ingest(chunks(text), { kind: 'labeled', format: 'auto', language: 'en' }, storage);
    assert.equal(again.digest, first.digest);
  });
}

test('an upload that breaks off stores nothing and passes its error on', async (t) => {
  const storage = directoryStorage(await testFolder(t));
  const cut = async function* () {
    yield Buffer.from('Anna\tB-PER\n');
    throw new Error('connection lost');
  };
  await assert.rejects(ingest(cut(), { kind: 'labeled', format: 'auto', language: 'en' }, storage), /connection lost/);
});

test('stored content that has changed is told, not skipped', async () => {
  const { Readable } = await import('node:stream');
  const damaged = { read: () => Readable.from([Buffer.from([0x7b, 0xff, 0x0a])]) } as unknown as Parameters<typeof readSentences>[0];
  await assert.rejects(readSentences(damaged, 'datasets/x.jsonl').next(), { code: 'ARTIFACT_DAMAGED' });
});
