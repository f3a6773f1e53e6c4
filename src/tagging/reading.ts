/** What is read of each document, and in which windows: all of its words, or those that `overflow: truncate` leaves. */
import { SPECIAL_PIECES, windowRanges, type WindowRange } from '../encoders/pack.ts';
import type { Recognized } from '../inference/recognizer.ts';
import type { NerRequest } from '../schemas/ner.ts';
import type { Sequence } from './batcher.ts';
import type { Document } from './document.ts';
import { pointerOf, tooLong } from './input.ts';
import type { TaggingModel } from './pool.ts';

export interface Reading {
  readonly document: Document;
  /** Of the document, those that are read. */
  readonly count: number;
  readonly windows: readonly WindowRange[];
  /** What the model is given, a sequence for each window. */
  readonly sequences: readonly Sequence[];
  /** That are read, each once, special ones not counted. */
  readonly pieces: number;
  /** Whether anything is left out: words, or the end of a word that is longer than a window. */
  readonly truncated: boolean;
}

/** @throws TEXT_TOO_LONG naming each document that is longer than a window, where the request says so */
export async function readingsOf(documents: readonly Document[], { model, request }: { model: TaggingModel; request: NerRequest }): Promise<Reading[]> {
  const { maxPieces } = model;
  const pieced = await Promise.all(documents.map(async (document) => ({ document, starts: await startsOf(document, model) })));
  if (request.overflow === 'error') {
    const long = pieced.flatMap(({ starts }, index) => ((starts.at(-1) ?? 0) > maxPieces ? [{ pointer: pointerOf(request, index), found: starts.at(-1) ?? 0 }] : []));
    if (long.length > 0) throw tooLong(long, maxPieces, 'pieces');
  }
  return pieced.map(({ document, starts }) => {
    const isCut = request.overflow === 'truncate' && (starts.at(-1) ?? 0) > maxPieces;
    // the first word is read in any case: as much of it as a window holds
    return read(document, isCut ? starts.subarray(0, Math.max(1, starts.findLastIndex((start) => start <= maxPieces)) + 1) : starts, maxPieces);
  });
}

function startsOf({ words }: Document, model: TaggingModel): Promise<Int32Array> {
  return words.length === 0 ? Promise.resolve(Int32Array.of(0)) : model.pieceStarts(words.map(({ word }) => word));
}

/** @param starts of the words that are read, and the end of the last */
function read(document: Document, starts: Int32Array, maxPieces: number): Reading {
  const count = starts.length - 1;
  const windows = count === 0 ? [] : windowRanges(starts, maxPieces);
  const sequences = windows.map(({ from, to }) => ({
    words: document.words.slice(from, to).map(({ word }) => word),
    pieces: Math.min(maxPieces, (starts[to] ?? 0) - (starts[from] ?? 0)) + SPECIAL_PIECES,
  }));
  const lost = starts.reduce((sum, start, word) => sum + Math.max(0, (starts[word + 1] ?? start) - start - maxPieces), 0);
  return { document, count, windows, sequences, pieces: (starts[count] ?? 0) - lost, truncated: count < document.words.length || lost > 0 };
}

/** Each word's distribution as the window says that decides it. `[words, tags]` row-major @param recognized of each window */
export function probsOf({ count, windows }: Reading, recognized: readonly Recognized[], tags: number): Float32Array {
  const probs = new Float32Array(count * tags);
  windows.forEach(({ from, decidesFrom, decidesTo }, index) => {
    probs.set(recognized[index]?.probs.subarray((decidesFrom - from) * tags, (decidesTo - from) * tags) ?? [], decidesFrom * tags);
  });
  return probs;
}
