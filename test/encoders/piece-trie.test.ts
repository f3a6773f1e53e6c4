import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { pieceTrie } from '../../src/encoders/piece-trie.ts';

test('every string that begins at a place is found, the shortest first, and none else', () => {
  const generator = random(23);
  const draw = (most: number): string => Array.from({ length: 1 + Math.floor(generator.next() * most) }, () => ['a', 'b', '\u0000', '\uffff', '😀'][Math.floor(generator.next() * 5)]).join('');
  const strings = [...new Set(Array.from({ length: 800 }, () => draw(5)))];
  const trie = pieceTrie(strings);
  for (let round = 0; round < 300; round++) {
    const text = draw(12);
    const start = Math.floor(generator.next() * text.length);
    const found: string[] = [];
    trie.prefixes(text, start, (index, end) => {
      assert.equal(strings[index], text.slice(start, end));
      found.push(text.slice(start, end));
    });
    const expected = strings.filter((string) => text.startsWith(string, start)).sort((a, b) => a.length - b.length);
    assert.deepEqual(found, expected);
    assert.equal(trie.indexOf(text), strings.includes(text) ? strings.indexOf(text) : undefined);
  }
  strings.forEach((string, index) => assert.equal(trie.indexOf(string), index));
});

test('of equal strings the last counts, and a trie of none finds nothing', () => {
  assert.equal(pieceTrie(['a', 'b', 'a']).indexOf('a'), 2);
  assert.equal(pieceTrie([]).indexOf('a'), undefined);
});
