import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSources, sourcesDigest, type Input, type Source } from '../../../src/cli/tag/records.ts';

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

const BROKEN: [name: string, content: string | Buffer, input: Input, failure: RegExp][] = [
  ['a line that is no JSON', '{"text":"a"}\n{"text":\n', 'jsonl', /^file, line 2, column 9: this is no JSON/],
  ['neither text nor words', '{"body":"a"}\n', 'jsonl', /^file, line 1, column 1: expected either "text" or "tokens"/],
  ['both', '{"text":"a","tokens":["a"]}\n', 'jsonl', /^file, line 1, column 9: expected either/],
  ['half a character', '{"text":"a\\ud800"}\n', 'jsonl', /^file, line 1, column 9: text must be a string of whole characters/],
  ['an id that loses digits', '{"id":12345678901234567890,"text":"a"}\n', 'jsonl', /^file, line 1, column 7: id must be/],
  ['bytes that are no UTF-8', Buffer.from([0x61, 0x0a, 0xff, 0x0a]), 'text', /^file, line 2, column 1: the bytes are not UTF-8/],
  ['columns that end', 'Ana\tB-PER\nsleeps\n', 'conll', /^file, line 2, column 7: expected 2 columns/],
];
for (const [name, content, input, failure] of BROKEN) {
  test(`${name} is refused with its place`, async () => assert.match((await read(content, input)).failure ?? '', failure));
}

test('what stands before a broken line is read', async () => {
  assert.deepEqual((await read('{"text":"a"}\n{\n', 'jsonl')).sources, [{ text: 'a', line: 1 }]);
});

test('a digest tells texts apart, and not their lines', () => {
  const digestOf = (...sources: Source[]): string => {
    const digest = sourcesDigest();
    sources.forEach((source) => digest.add(source));
    return digest.value();
  };
  assert.equal(digestOf({ text: 'a', line: 1 }), digestOf({ text: 'a', line: 2 }));
  const others = [digestOf({ text: 'a', line: 1 }), digestOf({ tokens: ['a'], line: 1 }), digestOf({ id: 'a', text: 'a', line: 1 }), digestOf({ text: 'a', line: 1 }, { text: '', line: 2 }), digestOf()];
  assert.equal(new Set(others).size, others.length);
});
