import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSources, type Input } from '../../../src/cli/tag/records.ts';
import { sourcesDigest, type Source } from '../../../src/cli/tag/source.ts';

async function read(content: string | Buffer, input: Input = 'auto'): Promise<{ sources: Source[]; kind: string; failure: string | null }> {
  const sources: Source[] = [];
  let kind = '';
  const bytes = (async function* () {
    yield Buffer.from(content);
  })();
  try {
    for await (const source of readSources(bytes, { input, name: 'file', onInput: (found) => (kind = found) })) sources.push(source);
  } catch (error) {
    return { sources, kind, failure: error instanceof Error ? error.message : String(error) };
  }
  return { sources, kind, failure: null };
}

const READ: [name: string, content: string, kind: string, sources: Source[]][] = [
  ['text keeps its empty lines', 'Ana lives here.\n\n  Eva\n', 'text', [{ text: 'Ana lives here.', line: 1 }, { text: '', line: 2 }, { text: '  Eva', line: 3 }]],
  ['JSON lines have texts or words, and an id', '{"id":"a","text":"Ana","label":1}\n{"id":2,"tokens":["Eva","Li"]}\n', 'jsonl', [{ id: 'a', text: 'Ana', line: 1 }, { id: 2, tokens: ['Eva', 'Li'], line: 2 }]],
  ['CoNLL has words, whatever the other columns hold', 'Ana\tNN\tB-PER\nsleeps\tVB\tO\n\nEva\tNN\t?\n', 'conll', [{ tokens: ['Ana', 'sleeps'], line: 1 }, { tokens: ['Eva'], line: 4 }]],
  ['nothing is no text', '', 'text', []],
];
for (const [name, content, kind, sources] of READ) {
  test(name, async () => assert.deepEqual(await read(content), { sources, kind, failure: null }));
}

const BROKEN: [name: string, content: string | Buffer, input: Input, detail: RegExp, source: { line: number; column: number; id?: number }][] = [
  ['a line that is no JSON', '{"text":\n', 'jsonl', /^this is no JSON/, { line: 2, column: 9 }],
  ['neither text nor words', '{"body":"a"}\n', 'jsonl', /^expected either "text" or "tokens"/, { line: 2, column: 1 }],
  ['both, with an id', '{"id":7,"text":"a","tokens":["a"]}\n', 'jsonl', /^expected either/, { line: 2, column: 16, id: 7 }],
  ['half a character', '{"text":"a\\ud800"}\n', 'jsonl', /^text must be a string of whole characters/, { line: 2, column: 9 }],
  ['an id that loses digits', '{"id":12345678901234567890,"text":"a"}\n', 'jsonl', /^id must be/, { line: 2, column: 7 }],
  ['a line of JSON lines that is no UTF-8', Buffer.from([0xff, 0x0a]), 'jsonl', /^the bytes are not UTF-8/, { line: 2, column: 1 }],
  ['a line that is no UTF-8', Buffer.from([0x61, 0xff, 0x0a]), 'text', /^the bytes are not UTF-8/, { line: 2, column: 2 }],
];
for (const [name, content, input, detail, { line, column, id }] of BROKEN) {
  test(`${name} has its place between those that are read`, async () => {
    const [first, last] = input === 'text' ? ['a\n', 'b\n'] : ['{"text":"a"}\n', '{"text":"b"}\n'];
    const { sources, failure } = await read(Buffer.concat([Buffer.from(first), Buffer.from(content), Buffer.from(last)]), input);
    assert.equal(failure, null);
    assert.deepEqual([sources[0], sources[2], sources.length], [{ text: 'a', line: 1 }, { text: 'b', line: 3 }, 3]);
    const { fault, ...rest } = sources[1] ?? { line: 0 };
    assert.match(fault?.detail ?? '', detail);
    assert.deepEqual([rest, fault], [{ line, ...(id !== undefined && { id }) }, { code: 'LINE_INVALID', detail: fault?.detail, column }]);
  });
}

test('a broken sentence of CoNLL is one fault, and the others are read', async () => {
  const fault = (detail: string, place: object) => ({ code: 'LINE_INVALID', detail, ...place });
  const columns = (found: number) => `expected 2 columns as in the lines before, found ${found}`;
  const content = Buffer.concat([Buffer.from('Ana\tO\n\nalone\n\nLi\tO\nb\nc\td\te\nd\tO\n\nEva\tO\n\nx\tO\ny'), Buffer.from([0xff]), Buffer.from('\tO\n\n'), Buffer.from([0xff]), Buffer.from('\n\nend')]);
  assert.deepEqual((await read(content, 'conll')).sources, [
    { tokens: ['Ana'], line: 1 },
    { line: 3, fault: fault(columns(1), { column: 6 }) },
    { line: 5, fault: fault(columns(1), { line: 6, column: 2 }) },
    { tokens: ['Eva'], line: 10 },
    { line: 12, fault: fault('the bytes are not UTF-8 (0xff)', { line: 13, column: 2 }) },
    { line: 15, fault: fault('the bytes are not UTF-8 (0xff)', { column: 1 }) },
    { line: 17, fault: fault(columns(1), { column: 4 }) },
  ]);
});

test('a sentence without an end is a fault, and the next one is read', async () => {
  const { sources } = await read(`${'a\tO\n'.repeat(100_001)}\nEva\tO\n`, 'conll');
  assert.deepEqual([sources.map(({ line }) => line), sources[1]?.tokens], [[1, 100_003], ['Eva']]);
  assert.match(sources[0]?.fault?.detail ?? '', /^a sentence of more than 100000 words/);
});

test('WikiAnn is read without the language of its words', async () => {
  assert.deepEqual(await read('en:Ana\tB-PER\nen:rests\tO\n'), { sources: [{ tokens: ['Ana', 'rests'], line: 1 }], kind: 'conll', failure: null });
});

test('a file in UTF-16 is refused', async () => {
  assert.deepEqual(await read(Buffer.from('\uFEFFAna\nEva\n', 'utf16le')), { sources: [], kind: '', failure: 'file looks like UTF-16; texts are read as UTF-8' });
});

test('nothing is known of what follows a mistake in a JSON list: it ends there, with its place', async () => {
  for (const [content, place] of [
    ['[{"text":"a"},\n{"text":"b"} {"text":"c"}]', 'line 2, column 14: expected a comma'],
    [Buffer.concat([Buffer.from('[{"text":"a"},\n'), Buffer.from([0xff]), Buffer.from('\n{"text":"b"}]')]), 'line 2, column 1: the bytes are not UTF-8'],
  ] as const) {
    const { failure } = await read(content, 'jsonl');
    assert.ok(failure?.startsWith(`file, ${place}`), failure ?? '');
  }
  assert.deepEqual((await read('[{"text":"a"},\n{"body":"b"},{"text":"c"}]', 'jsonl')).sources.map(({ text, fault }) => text ?? fault?.column), ['a', 1, 'c']);
});

test('a digest tells texts apart, and not their lines', () => {
  const digestOf = (...sources: Source[]): string => {
    const digest = sourcesDigest();
    sources.forEach((source) => digest.add(source));
    return digest.value();
  };
  const fault = (detail: string) => ({ code: 'X', detail });
  assert.equal(digestOf({ text: 'a', line: 1 }), digestOf({ text: 'a', line: 2, fault: fault('too long') }));
  const others = [digestOf({ text: 'a', line: 1 }), digestOf({ tokens: ['a'], line: 1 }), digestOf({ id: 'a', text: 'a', line: 1 }), digestOf({ fault: fault('a'), line: 1 }), digestOf({ fault: fault('b'), line: 1 }), digestOf({ text: 'a', line: 1 }, { text: '', line: 2 }), digestOf()];
  assert.equal(new Set(others).size, others.length);
});
