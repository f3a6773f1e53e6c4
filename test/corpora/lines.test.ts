import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnAt, peekLines, readLines, type Line } from '../../src/corpora/lines.ts';
import type { Place } from '../../src/errors.ts';
import { chunks } from './read.ts';

async function linesOf(content: string | Buffer, size: number): Promise<{ lines: Line[]; places: Place[] }> {
  const places: Place[] = [];
  const lines: Line[] = [];
  for await (const block of readLines(chunks(content, size), (place) => places.push(place))) lines.push(...block);
  return { lines, places };
}

for (const size of [1, 2, 3, 5, 1000]) {
  test(`Lines are the same in chunks of ${size} bytes: mark, CRLF, blank lines, no end`, async () => {
    const { lines, places } = await linesOf('\uFEFFKöln\r\n\n王小明👩‍👧\nend', size);
    assert.deepEqual(lines, [{ text: 'Köln', number: 1 }, { text: '', number: 2 }, { text: '王小明👩‍👧', number: 3 }, { text: 'end', number: 4 }]);
    assert.deepEqual(places, []);
  });

  test(`Bytes that are not UTF-8 are placed in chunks of ${size} bytes, and the lines around them read`, async () => {
    const content = Buffer.concat([Buffer.from('ok\n👩 x'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('\nab'), Buffer.from([0xc3]), Buffer.from('\n\uFFFD is fine\n')]);
    const { lines, places } = await linesOf(content, size);
    assert.deepEqual(lines, [{ text: 'ok', number: 1 }, { text: '\uFFFD is fine', number: 4 }]);
    assert.deepEqual(places, [
      { line: 2, column: 4, detail: 'the bytes are not UTF-8 (0xed)' },
      { line: 3, column: 3, detail: 'the bytes are not UTF-8 (0xc3)' },
    ]);
  });
}

test('A file in UTF-16 is called so', async () => {
  const { places } = await linesOf(Buffer.from('\uFEFFAnna\tB-PER\n', 'utf16le'), 100);
  assert.deepEqual(places[0], { line: 1, column: 1, detail: 'the bytes are not UTF-8 (0xff; the file looks like UTF-16)' });
});

for (const size of [7, 1000]) {
  test(`A line beyond the limit is left out, and the next one read, in chunks of ${size} bytes`, async () => {
    const places: Place[] = [];
    const lines: Line[] = [];
    const content = async function* () {
      yield* chunks(`a\n${'x'.repeat(50)}`, size);
      yield* chunks(`xx\nb\n${'y'.repeat(50)}`, size);
    };
    for await (const block of readLines(content(), (place) => places.push(place), 20)) lines.push(...block);
    assert.deepEqual(lines, [{ text: 'a', number: 1 }, { text: 'b', number: 3 }]);
    assert.deepEqual(places, [2, 4].map((line) => ({ line, column: 1, detail: 'the line is longer than 20 bytes' })));
  });
}

test('Lines that were looked at are read again', async () => {
  const { head, blocks } = await peekLines(readLines(chunks('a\nb\nc\nd\n'), () => assert.fail()), { lines: 2, chars: 100 });
  assert.deepEqual(head.map(({ text }) => text), ['a', 'b']);
  const all: string[] = [];
  for await (const block of blocks) all.push(...block.map(({ text }) => text));
  assert.deepEqual(all, ['a', 'b', 'c', 'd']);
});

test('Columns count code points', () => {
  assert.equal(columnAt('👩a', 2), 2);
});
