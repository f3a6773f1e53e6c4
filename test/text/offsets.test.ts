import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { indexOfLoneSurrogate, offsetsOf, type OffsetUnit } from '../../src/text/offsets.ts';
import { cut, wildText } from './wild-text.ts';

const UNITS: OffsetUnit[] = ['utf16', 'codepoint', 'byte'];

for (const unit of UNITS) {
  describe(`offsets in the unit ${unit}`, () => {
    test('cut the same text that UTF-16 offsets cut, at every border of a character', () => {
      const generator = random(1);
      for (let round = 0; round < 200; round++) {
        const text = wildText(generator, 40);
        const offsets = offsetsOf(text, unit);
        let at = 0;
        for (const character of text) {
          const [start, end] = [offsets.fromUtf16(at), offsets.fromUtf16(at + character.length)];
          assert.equal(cut(text, start, end, unit), character);
          assert.equal(offsets.toUtf16(start), at);
          at += character.length;
        }
        assert.equal(offsets.toUtf16(offsets.length), text.length);
        assert.equal(cut(text, 0, offsets.length, unit), text);
      }
    });

    test('outside of the text are refused', () => {
      for (const text of ['', 'ab', 'a😀é']) {
        const offsets = offsetsOf(text, unit);
        assert.throws(() => offsets.fromUtf16(text.length + 1), RangeError);
        assert.throws(() => offsets.toUtf16(offsets.length + 1), RangeError);
        assert.throws(() => offsets.fromUtf16(-1), RangeError);
      }
    });
  });
}

test('Offsets inside of a character are refused', () => {
  assert.throws(() => offsetsOf('a😀', 'codepoint').fromUtf16(2), /inside a character/);
  assert.throws(() => offsetsOf('é', 'byte').toUtf16(1), /inside a character/);
});

test('Offsets of ten megabytes take well under a second', () => {
  const text = '😀é'.repeat(3_400_000);
  const startedAt = performance.now();
  assert.equal(offsetsOf(text, 'byte').length, 6 * 3_400_000);
  assert.ok(performance.now() - startedAt < 3_000);
});

test('Half a surrogate pair is found, a whole one is not', () => {
  assert.equal(indexOfLoneSurrogate('a😀b'), -1);
  assert.equal(indexOfLoneSurrogate('a😀\ud83d'), 3);
  assert.equal(indexOfLoneSurrogate('\ude00\ud83d'), 0);
});
