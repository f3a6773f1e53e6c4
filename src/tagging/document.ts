/** What a client sent, as words that know where in its text they stand. */
import type { Entity } from '../schemas/ner.ts';
import { indexOfLoneSurrogate, offsetsOf, type OffsetUnit } from '../text/offsets.ts';
import { segmentWords, type Word } from '../text/words.ts';
import type { ScoredSpan } from './entities.ts';

export interface Document {
  /** What offsets count in. */
  readonly text: string;
  readonly words: readonly Word[];
}

export function documentOfText(text: string, language?: string): Document {
  return { text, words: segmentWords(text, language) };
}

/** The words as given, whatever they hold, joined by one space. */
export function documentOfTokens(tokens: readonly string[]): Document {
  let start = 0;
  const words = tokens.map((word) => {
    const end = start + word.length;
    const place = { word, start, end };
    start = end + 1;
    return place;
  });
  return { text: tokens.join(' '), words };
}

/** `text` of each is what `start` and `end`, in the unit asked for, cut from the document. */
export function locate({ text, words }: Document, spans: readonly ScoredSpan[], unit: OffsetUnit): Entity[] {
  if (spans.length === 0) return [];
  const offsets = offsetsOf(text, unit);
  return spans.map(({ wordStart, wordEnd, label, score, tag }) => {
    const from = words[wordStart]?.start ?? 0;
    const to = words[wordEnd - 1]?.end ?? 0;
    const place = { text: text.slice(from, to), start: offsets.fromUtf16(from), end: offsets.fromUtf16(to) };
    return { label, ...place, score, ...(tag !== undefined && { tag }) };
  });
}

/** @returns the input that has half a surrogate pair, which no UTF-8 can say, and where */
export function findBroken(inputs: Iterable<readonly [pointer: string, text: string]>): { pointer: string; index: number } | null {
  for (const [pointer, text] of inputs) {
    const index = indexOfLoneSurrogate(text);
    if (index >= 0) return { pointer, index };
  }
  return null;
}
