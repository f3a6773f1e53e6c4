/**
 * Text -> words, split as corpora in the CoNLL tradition are: punctuation apart; hyphened words, numbers, dates and abbreviations whole.
 * Unicode's boundaries come first; the rules here join and cut what they leave. One word here are 98.9 % of the tokens of CoNLL-2003's
 * English training set, 99.4 % of CoNLL-2002's Spanish and 99.9 % of its Dutch dev set, 99.9 % of German text split alike, and 94.2 % of a
 * Chinese dev set; of the demo's own corpora test/text/words.test.ts tells.
 */
import { segments, type Range } from './segments.ts';

export interface Word {
  readonly word: string;
  /** UTF-16 units, half-open: `text.slice(start, end) === word`. */
  readonly start: number;
  readonly end: number;
}

/** Titles and companies' forms that keep their full stop, as in the corpora; none that is a word or name by itself (`No.`, `Jan.`). */
const ABBREVIATIONS = new Set(
  (
    'Mr Mrs Ms Dr Prof St Sr Sra Dña Jr Inc Corp Co Ltd Bros Gen Col Lt Sgt Capt Gov Sen Rep Rev Hon vs etc Nr Str ' +
    'bzw usw Mio Mrd dhr mevr drs ir Feb Apr Jun Jul Aug Sep Sept Oct Nov Dec'
  ).split(' '),
);
/** English; `n't` takes its n along. */
const CONTRACTION = /(?:n['’]t|['’](?:s|re|m|ll|ve|d))$/i;
const CONTRACTED = /^(?:s|re|m|ll|ve|d)$/i;
/** Articles and prepositions that lose their vowel and are words of their own: Italian, French, Catalan. */
const ELISION = /^(?:l|d|qu|c|j|m|n|s|t|un|dell|nell|all|sull|dall|quell|lorsqu|jusqu|puisqu)['’](?=\p{L})/u;
const ELIDING_LANGUAGES = new Set(['fr', 'it', 'ca', 'oc']);
/** Never part of a word's end: spaces, controls, byte order marks and marks of direction. A joiner may be (Persian, emoji). */
const EDGE = /[\s\p{Z}\p{Cc}\u200b\u200e\u200f\u061c\u202a-\u202e\u2060-\u2069\ufeff]/u;
const INVISIBLE = /^[\s\p{Z}\p{Cc}\p{Cf}]*$/u;
const HYPHEN = /^[-\u2010\u2011]$/;
const JOINABLE_START = /^[\p{L}\p{N}]/u;
const JOINABLE_END = /[\p{L}\p{N}]\p{M}*$/u;
/** Han and kana are written without hyphens between words; a dash there is punctuation. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
const INITIAL = /^\p{Lu}$/u;
const DOTTED = /^(?:\p{L}\.)+\p{L}$/u;

/** @param language BCP 47; elisions, ordinals, suspended hyphens and ICU's tailorings depend on it */
export function segmentWords(text: string, language?: string): Word[] {
  return [...wordsOf(text, language)].filter((word) => word !== null);
}

/** The same one by one, with a null for each stretch that is no word: a reader of millions may pause or stop anywhere. */
export function* wordsOf(text: string, language?: string): Generator<Word | null> {
  const base = (language ?? '').split('-')[0]?.toLowerCase() ?? '';
  for (const range of join(text, trimmed(text, language), base)) {
    if (range === null) yield null;
    else for (const [start, end] of cutApostrophes(text, range, base)) yield { word: text.slice(start, end), start, end };
  }
}

function* trimmed(text: string, language: string | undefined): Generator<Range | null> {
  for (const [from, to] of segments(text, language)) yield trim(text, from, to);
}

function trim(text: string, start: number, end: number): Range | null {
  // all that EDGE knows is one unit long
  while (start < end && EDGE.test(text.charAt(start))) start++;
  while (end > start && EDGE.test(text.charAt(end - 1))) end--;
  return start === end || INVISIBLE.test(text.slice(start, end)) ? null : [start, end];
}

/** One pass over neighbors; what is joined may be joined again (`1996-08-22`). */
function* join(text: string, ranges: Iterable<Range | null>, language: string): Generator<Range | null> {
  let last: Range | undefined;
  let piece: Range | undefined;
  for (const next of ranges) {
    if (next === null) yield null;
    else if (piece === undefined) piece = next;
    else {
      const end = joinedEnd(text, { last, piece, next, language });
      if (last !== undefined && end === null) yield last;
      last = last === undefined || end === null ? piece : [last[0], end];
      piece = end === next[1] ? undefined : next;
    }
  }
  if (piece !== undefined) {
    const end = joinedEnd(text, { last, piece, next: undefined, language });
    if (last !== undefined && end === null) yield last;
    last = last === undefined || end === null ? piece : [last[0], end];
  }
  if (last !== undefined) yield last;
}

/** Where the last word ends with this piece, and the next one where the piece links both; null where a word begins here. */
function joinedEnd(text: string, { last, piece, next, language }: { last: Range | undefined; piece: Range; next: Range | undefined; language: string }): number | null {
  const [start, end] = piece;
  if (last === undefined || last[1] !== start) return null;
  const written = text.slice(start, end);
  if (isLink(written) && next?.[0] === end && links(text, { last, piece: written, next })) return next[1];
  if (CONTRACTED.test(written) && isApostrophe(text.slice(...last)) && next?.[0] !== end) return end;
  if (written === '.' && (keepsStop(text, last, next) || isOrdinal(text, { last, next, language }))) return end;
  if (HYPHEN.test(written) && isSuspended(text, { last, piece, next, language })) return end;
  return (written === '.' || written === '-') && isRunOf(text, last, written) ? end : null;
}

function isLink(piece: string): boolean {
  return piece === '&' || isNumberLink(piece) || HYPHEN.test(piece);
}

/** `10:30`, `1/2` */
function isNumberLink(piece: string): boolean {
  return piece === ':' || piece === '/';
}

function isApostrophe(piece: string): boolean {
  return piece === "'" || piece === '’';
}

/** Only a word's edges are looked at, so that a long chain of joined words stays linear. */
function links(text: string, { last, piece, next }: { last: Range; piece: string; next: Range }): boolean {
  const before = text.slice(Math.max(last[0], last[1] - 8), last[1]);
  const after = text.slice(next[0], Math.min(next[1], next[0] + 8));
  if (!JOINABLE_END.test(before) || !JOINABLE_START.test(after)) return false;
  if (isNumberLink(piece)) return /\d$/.test(before) && /^\d/.test(after);
  if (piece === '&') return last[1] - last[0] <= 3 && /^\p{Lu}/u.test(after);
  return !UNSPACED.test(before) && !UNSPACED.test(after);
}

/** `U.S.`, `Inc.`; `J.` only where a name may follow. */
function keepsStop(text: string, [start, end]: Range, next: Range | undefined): boolean {
  if (end - start > 16) return false;
  const word = text.slice(start, end);
  if (DOTTED.test(word) || ABBREVIATIONS.has(word)) return true;
  if (!INITIAL.test(word) || next === undefined) return false;
  // another full stop right after is an ellipsis, a capital one a name or the next initial
  return /^\p{Lu}/u.test(text.slice(next[0], next[0] + 2));
}

/** German `3. Januar`, where a word follows; four digits are a year at a sentence's end. */
function isOrdinal(text: string, { last: [start, end], next, language }: { last: Range; next: Range | undefined; language: string }): boolean {
  return language === 'de' && next !== undefined && /^\d{1,2}$/.test(text.slice(start, end)) && JOINABLE_START.test(text.slice(next[0], next[0] + 2));
}

/** German and Dutch `Rad- und Fußweg`: the hyphen stands for what the next word tells. */
function isSuspended(text: string, { last, piece, next, language }: { last: Range; piece: Range; next: Range | undefined; language: string }): boolean {
  return (language === 'de' || language === 'nl') && next !== undefined && next[0] > piece[1] && /\p{L}\p{M}*$/u.test(text.slice(Math.max(last[0], last[1] - 8), last[1]));
}

/** `...` and `--` are one word. */
function isRunOf(text: string, [start, end]: Range, piece: string): boolean {
  return text.charAt(end - 1) === piece && text.charAt(start) === piece;
}

/** `Peter's` -> `Peter` `'s`, `don't` -> `do` `n't`, `l'ONU` -> `l'` `ONU`; `O'Brien` stays. */
function cutApostrophes(text: string, [start, end]: Range, language: string): Range[] {
  const cut = (at: number): Range[] => (at <= start ? [[start, end]] : [[start, at], [at, end]]);
  const tail = CONTRACTION.exec(text.slice(Math.max(start, end - 3), end));
  // a plural in Dutch: `foto's`
  if (tail !== null) return language === 'nl' ? [[start, end]] : cut(end - tail[0].length);
  const head = text.slice(start, Math.min(end, start + 10));
  const elided = ELISION.exec(ELIDING_LANGUAGES.has(language) ? head.toLowerCase() : head);
  return elided === null ? [[start, end]] : cut(start + elided[0].length);
}
