/**
 * What annotation tools export of one text: doccano (`label: [[start, end, label]]`, `entities: [{start_offset, …}]`),
 * Prodigy (`spans: [{start, end, label}]`, `answer`), Label Studio (`data.text`, `annotations[].result[].value`, and its short form).
 */
import { isObject, type Path } from './json.ts';

export interface AnnotatedSpan {
  /** UTF-16 units, half-open; null where the export has no such place. */
  readonly start: number | null;
  readonly end: number | null;
  readonly label: string | null;
  readonly path: Path;
}

export interface Annotated {
  readonly text: string;
  /** Null where nobody has annotated the text. */
  readonly spans: readonly AnnotatedSpan[] | null;
}

interface FoundSpan {
  readonly start: unknown;
  readonly end: unknown;
  readonly label: unknown;
  /** What the tool says stands there. */
  readonly text: unknown;
  readonly path: Path;
}

/** @returns null for an object of another kind, 'rejected' for what an annotator has refused or skipped */
export function readAnnotated(object: Record<string, unknown>): Annotated | 'rejected' | null {
  const data = object['data'];
  if (isObject(data) && typeof data['text'] === 'string') return labelStudio(data['text'], object);
  const { text, answer } = object;
  if (typeof text !== 'string') return null;
  if (answer === 'reject' || answer === 'ignore') return 'rejected';
  const key = ['spans', 'entities', 'label', 'labels'].find((name) => Array.isArray(object[name]));
  const known = ['spans', 'entities', 'label', 'labels'].some((name) => object[name] !== undefined && object[name] !== null);
  if (key === undefined) return known ? null : { text, spans: null };
  const spans = listOf(object[key]).map((item, index) => flatSpan(item, [key, index]));
  return { text, spans: inUtf16(text, spans) };
}

function labelStudio(text: string, object: Record<string, unknown>): Annotated | 'rejected' {
  const key = object['annotations'] === undefined ? 'completions' : 'annotations';
  const all = listOf(object[key]);
  const index = all.findIndex((annotation) => isObject(annotation) && annotation['was_cancelled'] !== true);
  const annotation = all[index];
  if (!isObject(annotation)) return all.length > 0 ? 'rejected' : { text, spans: null };
  const spans = listOf(annotation['result']).flatMap((result, place): FoundSpan[] => {
    const value = isObject(result) ? result['value'] : undefined;
    // a result may also be a choice or a relation
    return isObject(value) && Array.isArray(value['labels']) ? [flatSpan(value, [key, index, 'result', place, 'value'])] : [];
  });
  return { text, spans: inUtf16(text, spans) };
}

function flatSpan(item: unknown, path: Path): FoundSpan {
  if (Array.isArray(item)) return { start: item[0], end: item[1], label: item[2], text: undefined, path };
  if (!isObject(item)) return { start: null, end: null, label: null, text: undefined, path };
  const label = item['label'] ?? listOf(item['labels'])[0];
  return { start: item['start'] ?? item['start_offset'], end: item['end'] ?? item['end_offset'], label, text: item['text'], path };
}

/** All three count code points, Label Studio not always did (its 1.23 does); where the export repeats the words of its spans, they decide. */
function inUtf16(text: string, spans: readonly FoundSpan[]): AnnotatedSpan[] {
  const units = codePointStarts(text);
  const read = (unit: 'codepoint' | 'utf16', value: unknown): number | null => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) return null;
    return unit === 'utf16' ? (value <= text.length ? value : null) : (units[value] ?? null);
  };
  const fits = (unit: 'codepoint' | 'utf16'): boolean =>
    spans.every((span) => typeof span.text !== 'string' || text.slice(read(unit, span.start) ?? 0, read(unit, span.end) ?? 0) === span.text);
  const unit = fits('codepoint') || !fits('utf16') ? 'codepoint' : 'utf16';
  return spans.map(({ start, end, label, path }) => ({ start: read(unit, start), end: read(unit, end), label: typeof label === 'string' ? label : null, path }));
}

/** UTF-16 index of every code point, and of the end. */
function codePointStarts(text: string): number[] {
  const starts: number[] = [];
  let at = 0;
  for (const character of text) {
    starts.push(at);
    at += character.length;
  }
  return [...starts, at];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
