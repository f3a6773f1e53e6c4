/**
 * Text with character spans, JSON lines: doccano (`label: [[start, end, label]]`), Prodigy (`spans: [{start, end, label}]`),
 * and Label Studio's export (`data.text`, `annotations[].result[].value`), which may also be one JSON list.
 */
import { segmentWords, type Word } from '../../text/words.ts';
import type { WordSpan } from '../../text/span.ts';
import { tagsOfSpans } from '../../text/bio.ts';
import type { Line } from '../lines.ts';
import { isWellFormed, parseObject, type FormatReader, type RawSentence, type ReadOptions } from './format.ts';

interface Labeled {
  readonly text: string;
  /** In UTF-16 units. */
  readonly spans: readonly { readonly start: number; readonly end: number; readonly label: string }[];
}

export const readSpans: FormatReader = async function* (lines, options) {
  let list: Line[] | null = null;
  for await (const line of lines) {
    if (line.text.trim() === '') continue;
    if (list === null && line.text.trimStart().startsWith('[')) list = [];
    if (list !== null) {
      list.push(line);
      continue;
    }
    const object = parseObject(line, options.report);
    const sentence = object && sentenceOf(object, line.number, options);
    if (sentence) yield { sentence };
  }
  if (list === null) return;
  const whole = parseObject({ text: `{"tasks":${list.map(({ text }) => text).join('\n')}}`, number: list[0]?.number ?? 1 }, options.report);
  for (const task of (whole?.['tasks'] ?? []) as Record<string, unknown>[]) {
    const sentence = sentenceOf(task, list[0]?.number ?? 1, options);
    if (sentence) yield { sentence };
  }
};

function sentenceOf(object: Record<string, unknown>, line: number, { report, language }: ReadOptions): RawSentence | null {
  const labeled = labelStudio(object) ?? flat(object);
  if (labeled === null) {
    report({ line, column: 1, detail: 'expected "text" and a list "spans", "label", "labels" or "entities" of spans with start, end and label' });
    return null;
  }
  if (!isWellFormed(labeled.text)) {
    report({ line, column: 1, detail: 'the text holds a lone surrogate' });
    return null;
  }
  const words = segmentWords(labeled.text, language);
  if (words.length === 0) return null;
  const spans = labeled.spans.map((span) => wordSpan(span, words, labeled.text, (detail) => report({ line, column: span.start + 1, detail })));
  if (spans.includes(null)) return null;
  const found = (spans as WordSpan[]).sort((a, b) => a.wordStart - b.wordStart);
  const overlap = found.find((span, index) => (found[index - 1]?.wordEnd ?? 0) > span.wordStart);
  if (overlap !== undefined) {
    report({ line, column: (words[overlap.wordStart]?.start ?? 0) + 1, detail: `the span ${overlap.label} overlaps another one` });
    return null;
  }
  return { tokens: words.map(({ word }) => word), tags: tagsOfSpans(found, words.length) };
}

function wordSpan({ start, end, label }: Labeled['spans'][number], words: readonly Word[], text: string, wrong: (detail: string) => void): WordSpan | null {
  if (!(start >= 0 && end > start && end <= text.length)) {
    wrong(`the span ${start} to ${end} does not lie in the text of ${text.length}`);
    return null;
  }
  const wordStart = words.findIndex((word) => word.end > start);
  const wordEnd = words.findLastIndex((word) => word.start < end) + 1;
  const first = words[wordStart];
  const last = words[wordEnd - 1];
  if (first === undefined || last === undefined || wordEnd <= wordStart) {
    wrong(`the span ${start} to ${end} holds no word`);
    return null;
  }
  // spaces at a span's ends are common in exports and harmless; half a word is an error
  if (first.start < start || last.end > end) {
    wrong(`the span ${label} cuts through the word "${first.start < start ? first.word : last.word}"`);
    return null;
  }
  return { wordStart, wordEnd, label };
}

/** Python tools count code points. */
function flat(object: Record<string, unknown>): Labeled | null {
  const { text } = object;
  const list = object['spans'] ?? object['label'] ?? object['labels'] ?? object['entities'];
  if (typeof text !== 'string' || !Array.isArray(list)) return null;
  const units = utf16Offsets(text);
  const spans = list.map((item: unknown) => {
    const [start, end, label] = Array.isArray(item) ? (item as unknown[]) : [read(item, 'start', 'start_offset'), read(item, 'end', 'end_offset'), read(item, 'label', 'label')];
    return { start: units[Number(start)] ?? -1, end: units[Number(end)] ?? -1, label: String(label) };
  });
  return { text, spans };
}

/** Label Studio counts UTF-16 units. */
function labelStudio(object: Record<string, unknown>): Labeled | null {
  const text = read(object['data'], 'text', 'text');
  const annotations = object['annotations'] ?? object['completions'];
  if (typeof text !== 'string' || !Array.isArray(annotations)) return null;
  const results = (read(annotations[0], 'result', 'result') ?? []) as unknown[];
  const spans = results.flatMap((result) => {
    const value = read(result, 'value', 'value');
    const labels = read(value, 'labels', 'labels');
    return Array.isArray(labels) ? [{ start: Number(read(value, 'start', 'start')), end: Number(read(value, 'end', 'end')), label: String(labels[0]) }] : [];
  });
  return { text, spans };
}

function read(value: unknown, name: string, other: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const object = value as Record<string, unknown>;
  return object[name] ?? object[other];
}

/** UTF-16 offset of every code point, and of the end. */
function utf16Offsets(text: string): number[] {
  const offsets: number[] = [];
  let at = 0;
  for (const character of text) {
    offsets.push(at);
    at += character.length;
  }
  offsets.push(at);
  return offsets;
}
