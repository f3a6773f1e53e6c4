import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutWindows, layOut, packUnits, packWindows, rowShape, windowRanges, type Window } from '../../src/encoders/pack.ts';
import type { PiecedWords, PieceTokenizer } from '../../src/encoders/tokenizer.ts';
import { random } from '../../src/corpora/random.ts';

const tokenizer: PieceTokenizer = {
  startId: 0,
  endId: 2,
  padId: 1,
  unkId: 3,
  digest: 'sha256:test',
  pieceOf: (id) => (id === 5 ? '▁' : `p${id}`),
  pieces: () => Promise.reject(new Error('not used')),
  piecesOfAll: () => Promise.reject(new Error('not used')),
};
const pieced = (words: number[][]): PiecedWords => {
  const starts = [0];
  for (const word of words) starts.push(starts.at(-1)! + word.length);
  return { ids: Int32Array.from(words.flat()), starts: Int32Array.from(starts) };
};

test('a short sentence is one window between the special pieces, each word at its first piece', () => {
  const windows = cutWindows(7, pieced([[10, 11], [12], [13, 14, 15]]), tokenizer, { maxPieces: 16, wordPiece: 'first' });
  assert.deepEqual(windows, [
    { sentence: 7, pieces: Int32Array.of(0, 10, 11, 12, 13, 14, 15, 2), words: [{ word: 0, at: 1 }, { word: 1, at: 3 }, { word: 2, at: 4 }] },
  ]);
});

test('firstNotBare steps over a bare word-start mark, but never out of the word', () => {
  const [window] = cutWindows(0, pieced([[5, 11], [5], [12]]), tokenizer, { maxPieces: 16, wordPiece: 'firstNotBare' });
  assert.deepEqual(window?.words, [{ word: 0, at: 2 }, { word: 1, at: 3 }, { word: 2, at: 4 }]);
});

test('a long sentence is read in overlapping windows, every word decided exactly once and never at a cut where another window has it inside', () => {
  const generator = random(5);
  for (let round = 0; round < 50; round++) {
    const words = Array.from({ length: 1 + generator.int(120) }, (_, i) => Array.from({ length: 1 + generator.int(6) }, () => 100 + i));
    const maxPieces = 16 + generator.int(20);
    const windows = cutWindows(0, pieced(words), tokenizer, { maxPieces, wordPiece: 'first' });
    assert.ok(windows.every(({ pieces }) => pieces.length <= maxPieces));
    const decided = windows.flatMap(({ words: own, pieces }) => own.map(({ word, at }) => ({ word, piece: pieces[at] })));
    assert.deepEqual(decided.map(({ word }) => word).sort((a, b) => a - b), [...words.keys()]);
    for (const { word, piece } of decided) assert.equal(piece, 100 + word);
  }
});

test('each word of a long sentence is decided by one window, in order, with nearly a quarter of it as context on both sides where the sentence has so much', () => {
  const generator = random(6);
  for (let round = 0; round < 300; round++) {
    const capacity = 24 + generator.int(100);
    const longest = 1 + generator.int(6);
    const starts = new Int32Array(1 + generator.int(400));
    for (let word = 1; word < starts.length; word++) starts[word] = starts[word - 1]! + 1 + generator.int(longest);
    const total = starts.at(-1)!;
    const context = capacity / 4 - 1.5 * longest;
    let decided = 0;
    for (const { from, to, decidesFrom, decidesTo } of windowRanges(starts, capacity)) {
      assert.ok(starts[to]! - starts[from]! <= capacity);
      assert.equal(decidesFrom, decided);
      for (let word = decidesFrom; word < decidesTo; word++) {
        assert.ok(starts[word]! - starts[from]! >= Math.min(starts[word]!, context), `word ${word} after the cut at ${from}`);
        assert.ok(starts[to]! - starts[word + 1]! >= Math.min(total - starts[word + 1]!, context), `word ${word} before the cut at ${to}`);
      }
      decided = decidesTo;
    }
    assert.equal(decided, starts.length - 1);
  }
});

test('words longer than a window stand alone, and every word is still decided by one window', () => {
  const generator = random(7);
  for (let round = 0; round < 300; round++) {
    const starts = new Int32Array(1 + generator.int(100));
    for (let word = 1; word < starts.length; word++) starts[word] = starts[word - 1]! + (generator.int(8) === 0 ? 20 + generator.int(60) : 1 + generator.int(4));
    const ranges = windowRanges(starts, 20);
    assert.deepEqual(ranges.flatMap(({ decidesFrom, decidesTo }) => Array.from({ length: decidesTo - decidesFrom }, (_, index) => decidesFrom + index)), [...starts.keys()].slice(0, -1));
    for (const { from, to } of ranges) assert.ok(to - from <= 1 || starts[to]! - starts[from]! <= 20);
  }
});

test('a single word longer than the window keeps its head', () => {
  const windows = cutWindows(0, pieced([[9], Array.from({ length: 40 }, (_, i) => 100 + i), [8]]), tokenizer, { maxPieces: 16, wordPiece: 'first' });
  assert.deepEqual(windows.flatMap(({ words }) => words.map(({ word }) => word)).sort(), [0, 1, 2]);
  assert.ok(windows.every(({ pieces }) => pieces.length <= 16));
});

test('packed rows hold every window once, lay positions out anew for each and mark the rest as padding', () => {
  const windows: Window[] = [6, 5, 4, 3].map((size, sentence) => ({ sentence, pieces: new Int32Array(size).fill(10 + sentence), words: [{ word: 0, at: 1 }] }));
  const [rows, ...others] = [...packWindows(windows, { rows: 2, length: 10 })];
  assert.equal(others.length, 0);
  const batch = layOut(rows!, { rows: 2, length: 10 }, { padId: 1, firstPosition: 2 });
  assert.deepEqual([...batch.pieces], [10, 10, 10, 10, 10, 10, 12, 12, 12, 12, 11, 11, 11, 11, 11, 13, 13, 13, 1, 1]);
  assert.deepEqual([...batch.positions], [2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 2, 3, 4, 5, 6, 2, 3, 4, 2, 2]);
  assert.deepEqual([...batch.segments], [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1, 1, 2, 2, 2, 0, 0]);
  assert.deepEqual(batch.words.map(({ sentence, at }) => [sentence, at]), [[0, 1], [2, 7], [1, 11], [3, 16]]);
  assert.equal(batch.filled, 18);
});

test('both sides of a pair come in one batch', () => {
  const window = (sentence: number, size: number): Window => ({ sentence, pieces: new Int32Array(size), words: [] });
  const batches = [...packUnits([[window(0, 6), window(1, 3)], [window(2, 6), window(3, 6)], [window(4, 2), window(5, 2)]], { rows: 2, length: 8 })];
  assert.deepEqual(batches.map((rows) => rows.flat().map(({ sentence }) => sentence).sort()), [[0, 1], [2, 3, 4, 5]]);
});

test('the row length is the smallest usual one that holds the longest window', () => {
  assert.deepEqual(rowShape(33, 1024), { rows: 21, length: 48 });
  assert.deepEqual(rowShape(512, 256), { rows: 1, length: 512 });
});
