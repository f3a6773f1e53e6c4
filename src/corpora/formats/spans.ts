/** Text with character spans -> words with tags. What may stand in an object is in `annotated.ts`. */
import { segmentWords, type Word } from '../../text/words.ts';
import type { WordSpan } from '../../text/span.ts';
import { tagsOfSpans } from '../../text/bio.ts';
import { isLabel } from '../scheme.ts';
import { readAnnotated, type Annotated, type AnnotatedSpan } from './annotated.ts';
import type { FormatReader, RawSentence } from './format.ts';
import { isWellFormed, parseObject, placeOf, readJson, type Path } from './json.ts';

/** Where these are written without spaces, an annotator knows better than a dictionary where a word ends. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

export const readSpans: FormatReader = async function* (blocks, { kind, language, report, warn }) {
  let skipped = 0;
  let cuts = 0;
  for await (const source of readJson(blocks, report)) {
    const object = parseObject(source, report);
    if (object === null) continue;
    const wrong = (path: Path, detail: string): null => {
      report({ ...placeOf(source, path), detail });
      return null;
    };
    const annotated = readAnnotated(object);
    if (annotated === null) wrong([], 'expected "text", and a list "spans", "entities", "label" or "labels" of spans with start, end and label');
    else if (annotated === 'rejected' || (kind === 'labeled' && annotated.spans === null)) skipped++;
    else {
      const words = segmentWords(annotated.text, language);
      const borders = kind === 'labeled' ? cutAtSpans(annotated, words) : words;
      cuts += borders.length - words.length;
      const sentence = sentenceOf(annotated, borders, wrong);
      if (sentence !== null && sentence.tokens.length > 0) yield { sentence, line: source.line };
    }
  }
  if (skipped > 0) warn(`${skipped} texts were left out: rejected, skipped or not annotated`);
  if (cuts > 0) warn(`${cuts} words of scripts without spaces were cut at the end of a span`);
};

function sentenceOf({ text, spans }: Annotated, words: readonly Word[], wrong: (path: Path, detail: string) => null): RawSentence | null {
  const tokens = words.map(({ word }) => word);
  if (!isWellFormed(text)) return wrong([], 'the text holds a lone surrogate');
  if (spans === null) return { tokens };
  const found: (WordSpan & { path: Path })[] = [];
  for (const span of spans) {
    const placed = placeSpan(span, { text, words });
    if (typeof placed === 'string') return wrong(span.path, placed);
    found.push({ ...placed, path: span.path });
  }
  found.sort((a, b) => a.wordStart - b.wordStart);
  const overlap = found.find((span, index) => (found[index - 1]?.wordEnd ?? 0) > span.wordStart);
  if (overlap !== undefined) return wrong(overlap.path, `the span ${overlap.label} overlaps another one`);
  return { tokens, tags: tagsOfSpans(found, words.length) };
}

/** @returns what is wrong with it, else its words */
function placeSpan({ start, end, label }: AnnotatedSpan, { text, words }: { text: string; words: readonly Word[] }): WordSpan | string {
  if (label === null || !isLabel(label)) return 'the label of a span must be a string without spaces';
  if (start === null || end === null || start >= end || end > text.length) return `the span ${label} does not lie in the text`;
  const wordStart = words.findIndex((word) => word.end > start);
  const wordEnd = words.findLastIndex((word) => word.start < end) + 1;
  const first = words[wordStart];
  const last = words[wordEnd - 1];
  if (first === undefined || last === undefined || wordEnd <= wordStart) return `the span ${label} holds no word`;
  // spaces at a span's ends are common in exports and harmless; half a word is an error
  if (first.start < start || last.end > end) return `the span ${label} cuts through the word "${first.start < start ? first.word : last.word}"`;
  return { wordStart, wordEnd, label };
}

/** Words are cut where a span ends inside of a script without spaces. */
function cutAtSpans({ text, spans }: Annotated, words: readonly Word[]): readonly Word[] {
  const borders = [...new Set((spans ?? []).flatMap(({ start, end }) => [start ?? 0, end ?? 0]))].filter((at) => isUnspaced(text, at)).sort((a, b) => a - b);
  let next = 0;
  return words.flatMap((word) => {
    while ((borders[next] ?? Infinity) <= word.start) next++;
    const cut: Word[] = [];
    let { start } = word;
    for (; (borders[next] ?? Infinity) < word.end; next++) {
      const end = borders[next] ?? word.end;
      cut.push({ word: text.slice(start, end), start, end });
      start = end;
    }
    return [...cut, { word: text.slice(start, word.end), start, end: word.end }];
  });
}

function isUnspaced(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 2), at);
  const after = text.slice(at, at + 2);
  const isInside = /^\p{M}/u.test(after) || /^[\udc00-\udfff]/.test(after);
  return !isInside && (UNSPACED.test(before) || UNSPACED.test(after));
}
