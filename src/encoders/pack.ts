/** Sentences -> windows of pieces -> packed rows: several sequences share a row, so that next to nothing is padding and one shape serves all. */
import type { PiecedWords, PieceTokenizer } from './tokenizer.ts';

/** A run of words of one sentence that fits the encoder, with its special pieces. */
export interface Window {
  /** Index of the sentence in the list that was cut. */
  readonly sentence: number;
  readonly pieces: Int32Array;
  /** Words decided by this window (every word of a sentence in exactly one), and where in `pieces` they stand. */
  readonly words: readonly { readonly word: number; readonly at: number }[];
}

export interface RowShape {
  readonly rows: number;
  readonly length: number;
}

export interface PlacedWord {
  readonly sentence: number;
  readonly word: number;
  /** Index into the flat `[rows * length]`. */
  readonly at: number;
}

export interface PackedBatch extends RowShape {
  /** int32 `[rows * length]`; padding holds the padding piece. */
  readonly pieces: Int32Array;
  /** int32 `[rows * length]`: row of the position table. */
  readonly positions: Int32Array;
  /** int32 `[rows, length]`: number of the sequence in its row, from 1; 0 for padding. */
  readonly segments: Int32Array;
  readonly words: readonly PlacedWord[];
  /** Pieces that are no padding. */
  readonly filled: number;
}

export interface WindowOptions {
  /** Longest window, special pieces included. */
  readonly maxPieces: number;
  readonly wordPiece: 'first' | 'firstNotBare';
}

/** Of each window: start and end. */
export const SPECIAL_PIECES = 2;
/** Neighbouring windows share this part of their length, so that every word has context on both sides somewhere. */
const OVERLAP = 0.5;
const BARE_PIECES = new Set(['▁', 'Ġ', '##']);

/** Words of a sentence that are read together, and those of them that this window decides; both half-open. */
export interface WindowRange {
  readonly from: number;
  readonly to: number;
  readonly decidesFrom: number;
  readonly decidesTo: number;
}

/** Cuts one sentence at word borders; a word is decided by the window in which it stands farthest from a cut. */
export function cutWindows(sentence: number, words: PiecedWords, tokenizer: PieceTokenizer, options: WindowOptions): Window[] {
  const capacity = options.maxPieces - SPECIAL_PIECES;
  return windowRanges(words.starts, capacity).map(({ from, to, decidesFrom, decidesTo }) => {
    const begin = words.starts[from] as number;
    const end = Math.min(words.starts[to] as number, begin + capacity); // a single word longer than the window keeps its head
    const pieces = new Int32Array(end - begin + SPECIAL_PIECES);
    pieces[0] = tokenizer.startId;
    pieces.set(words.ids.subarray(begin, end), 1);
    pieces[pieces.length - 1] = tokenizer.endId;
    const decided: { word: number; at: number }[] = [];
    for (let word = decidesFrom; word < decidesTo; word++) decided.push({ word, at: placeOf(words, word, tokenizer, options.wordPiece) - begin + 1 });
    return { sentence, pieces, words: decided };
  });
}

/**
 * The windows of one sentence: each word is decided by exactly one, which has a quarter of the capacity before and after it, less the
 * pieces of one and a half words, wherever the sentence has so much. No words are one empty window.
 * @param starts `[words + 1]`: word i has the pieces `starts[i]` up to `starts[i + 1]`
 * @param capacity pieces of a window, special ones not counted; a word that is longer stands alone
 */
export function windowRanges(starts: Int32Array, capacity: number): WindowRange[] {
  const ranges = cutRanges(starts, capacity);
  const owner = ownersOf(starts, ranges);
  const decided = ranges.map(({ from, to }, index) => {
    // distances to two windows' cuts cross once, so that what a window decides has no gaps
    const own = owner.subarray(from, to);
    const first = own.indexOf(index);
    return { from, to, decidesFrom: first < 0 ? from : from + first, decidesTo: first < 0 ? from : from + own.lastIndexOf(index) + 1 };
  });
  // before a word that stands alone a window may lie within another one
  return decided.length === 1 ? decided : decided.filter(({ decidesFrom, decidesTo }) => decidesTo > decidesFrom);
}

/**
 * Packs windows, in their order, into batches of one shape: each window goes to the first row with room; a batch ends when one fits nowhere.
 * Every window must be at most `length` long.
 */
export function packWindows(windows: Iterable<Window>, shape: RowShape): Generator<Window[][]> {
  return packUnits(single(windows), shape);
}

/** As `packWindows`, of groups of windows that must come in one batch (both sides of a pair). */
export function* packUnits(units: Iterable<readonly Window[]>, shape: RowShape): Generator<Window[][]> {
  let packing = new Packing(shape);
  for (const unit of units) {
    if (packing.add(unit)) continue;
    if (!packing.isEmpty) yield packing.rows;
    packing = new Packing(shape);
    if (!packing.add(unit)) throw new RangeError(`windows of ${unit.map(({ pieces }) => pieces.length).join(' + ')} pieces do not fit ${shape.rows} rows of ${shape.length}`);
  }
  if (!packing.isEmpty) yield packing.rows;
}

class Packing {
  readonly rows: Window[][] = [];
  readonly #free: number[] = [];
  readonly #shape: RowShape;

  constructor(shape: RowShape) {
    this.#shape = shape;
  }

  get isEmpty(): boolean {
    return this.rows.length === 0;
  }

  /** All windows of the unit, or none. */
  add(unit: readonly Window[]): boolean {
    const free = [...this.#free];
    const places = unit.map(({ pieces }) => {
      let row = free.findIndex((room) => room >= pieces.length);
      if (row < 0 && free.length < this.#shape.rows && pieces.length <= this.#shape.length) row = free.push(this.#shape.length) - 1;
      if (row >= 0) free[row] = (free[row] as number) - pieces.length;
      return row;
    });
    if (places.includes(-1)) return false;
    unit.forEach((window, index) => (this.rows[places[index] as number] ??= []).push(window));
    this.#free.splice(0, this.#free.length, ...free);
    return true;
  }
}

function* single(windows: Iterable<Window>): Generator<readonly Window[]> {
  for (const window of windows) yield [window];
}

/** Lays packed rows out as arrays. */
export function layOut(rows: readonly (readonly Window[])[], shape: RowShape, { padId, firstPosition }: { padId: number; firstPosition: number }): PackedBatch {
  const size = shape.rows * shape.length;
  const pieces = new Int32Array(size).fill(padId);
  const positions = new Int32Array(size).fill(firstPosition);
  const segments = new Int32Array(size);
  const words: PlacedWord[] = [];
  let filled = 0;
  rows.forEach((windows, row) => {
    let at = row * shape.length;
    windows.forEach((window, index) => {
      pieces.set(window.pieces, at);
      segments.fill(index + 1, at, at + window.pieces.length);
      for (let i = 0; i < window.pieces.length; i++) positions[at + i] = firstPosition + i;
      for (const word of window.words) words.push({ sentence: window.sentence, word: word.word, at: at + word.at });
      at += window.pieces.length;
      filled += window.pieces.length;
    });
  });
  return { ...shape, pieces, positions, segments, words, filled };
}

const ROW_LENGTHS = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512];

/** The shape for about `batchPieces` pieces whose longest window has `longest`. */
export function rowShape(longest: number, batchPieces: number): RowShape {
  const length = ROW_LENGTHS.find((candidate) => candidate >= longest) ?? longest;
  return { rows: Math.max(1, Math.round(batchPieces / length)), length };
}

function placeOf(words: PiecedWords, word: number, tokenizer: PieceTokenizer, wordPiece: WindowOptions['wordPiece']): number {
  const first = words.starts[word] as number;
  const next = words.starts[word + 1] as number;
  if (wordPiece === 'first' || next - first < 2) return first;
  return BARE_PIECES.has(tokenizer.pieceOf(words.ids[first] as number) ?? '') ? first + 1 : first;
}

/** Ranges of words, half-open, each within `capacity` pieces. */
function cutRanges(starts: Int32Array, capacity: number): { from: number; to: number }[] {
  const count = starts.length - 1;
  const ranges: { from: number; to: number }[] = [];
  for (let from = 0; ; ) {
    let to = from;
    while (to < count && (starts[to + 1] as number) - (starts[from] as number) <= capacity) to++;
    if (to === from && to < count) to++; // a single word longer than the window
    ranges.push({ from, to });
    if (to >= count) return ranges;
    const target = (starts[to] as number) - capacity * OVERLAP;
    let next = to;
    while (next - 1 > from && (starts[next - 1] as number) >= target) next--;
    from = next;
  }
}

/** For each word, the range in which its distance to the nearer cut is greatest; the ends of the sentence are no cuts. */
function ownersOf(starts: Int32Array, ranges: readonly { from: number; to: number }[]): Int32Array {
  const count = starts.length - 1;
  const owner = new Int32Array(count);
  const best = new Float64Array(count).fill(-1);
  ranges.forEach(({ from, to }, index) => {
    for (let word = from; word < to; word++) {
      const left = from === 0 ? Infinity : (starts[word] as number) - (starts[from] as number);
      const right = to === count ? Infinity : (starts[to] as number) - (starts[word] as number);
      const distance = Math.min(left, right);
      if (distance > (best[word] as number)) {
        best[word] = distance;
        owner[word] = index;
      }
    }
  });
  return owner;
}
