/** What a client sent, as words that know where in its text they stand. */
import type { Entity } from '../schemas/ner.ts';
import { indexOfLoneSurrogate, offsetsOf, type OffsetUnit } from '../text/offsets.ts';
import { wordsOf, type Word } from '../text/words.ts';
import type { ScoredSpan } from './entities.ts';

export interface Document {
  /** What offsets count in. */
  readonly text: string;
  readonly words: readonly Word[];
}

/** Words and what is between them, some 5 ms of them. */
const PAUSE_AFTER = 1024;

/**
 * Others' requests go on meanwhile: to find the words of a megabyte takes seconds.
 * @returns null where there are more than `maxWords` in all
 * @throws the signal's reason
 */
export async function documentsOfTexts(
  texts: readonly string[],
  { language, maxWords, signal }: { language?: string | undefined; maxWords: number; signal?: AbortSignal | undefined },
): Promise<Document[] | null> {
  const documents: Document[] = [];
  let steps = 0;
  let count = 0;
  for (const text of texts) {
    const words: Word[] = [];
    for (const word of wordsOf(text, language)) {
      if (word !== null) words.push(word);
      if (word !== null && ++count > maxWords) return null;
      if (++steps % PAUSE_AFTER === 0) await pause(signal);
    }
    documents.push({ text, words });
  }
  return documents;
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  await new Promise(setImmediate);
  signal?.throwIfAborted();
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

/** The inputs that have half a surrogate pair, which no UTF-8 can say, and where; at most `limit` of them. */
export function findBroken(inputs: Iterable<readonly [pointer: string, text: string]>, limit: number): { pointer: string; index: number }[] {
  const found: { pointer: string; index: number }[] = [];
  for (const [pointer, text] of inputs) {
    const index = indexOfLoneSurrogate(text);
    if (index >= 0) found.push({ pointer, index });
    if (found.length === limit) break;
  }
  return found;
}
