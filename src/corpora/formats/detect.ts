/** Which format a file is, by its first lines. */
import type { Line } from '../lines.ts';
import { isTag } from '../scheme.ts';
import { isBetweenSentences, isComment, readConll, readWikiann } from './conll.ts';
import type { FormatReader } from './format.ts';
import { readJsonl } from './jsonl.ts';
import { readPairLines } from './pairs.ts';
import { readSpans } from './spans.ts';
import { readText } from './text.ts';

export const READERS = { conll: readConll, wikiann: readWikiann, jsonl: readJsonl, spans: readSpans, text: readText, pairs: readPairLines } satisfies Record<string, FormatReader>;
export type Format = keyof typeof READERS;

/** What is looked at: this many lines, or fewer that have so many characters. */
export const DETECTED = { lines: 200, chars: 1 << 20 } as const;

/** Of lines that look as they should: one that is broken must not make rows of words into texts. */
const MOST = 0.9;

/** @param head the first lines, up to what DETECTED says */
export function detectFormat(head: readonly Line[], kind: 'labeled' | 'unlabeled' | 'pairs'): Format {
  if (kind === 'pairs') return 'pairs';
  const filled = head.map(({ text }) => text).filter((text) => !isBetweenSentences(text));
  const json = jsonFormat(filled);
  if (json !== null) return json;
  const isWikiann = filled.length > 0 && filled.every((text) => /^[a-z-]{2,12}:\S.*\t/.test(text));
  if (kind === 'labeled') return isWikiann ? 'wikiann' : 'conll';
  const rows = filled.filter((text) => !isComment(text));
  const hasBreaks = filled.length < head.length;
  // `doc:12` and a sentence behind it begin as WikiAnn's lines do
  if (isWikiann && areTagged(rows, '\t')) return 'wikiann';
  return head.some(({ text }) => text.startsWith('-DOCSTART-')) || areColumns(rows, hasBreaks) || (hasBreaks && areWords(rows)) ? 'conll' : 'text';
}

/**
 * Tags in the last column, or columns of single words with blank lines between sentences. A tab by itself says nothing: a text may have an id before
 * it; and a text of one line that happens to end with the word O is no column of tags.
 */
function areColumns(rows: readonly string[], hasBreaks: boolean): boolean {
  if (areTagged(rows, '\t')) return true;
  if (areTagged(rows, / +/) && rows.length > 1) return true;
  return hasBreaks && areEven(rows, '\t') && most(rows, (row) => !row.split('\t').some((cell) => /\s/.test(cell.trim())));
}

function areTagged(rows: readonly string[], separator: string | RegExp): boolean {
  return areEven(rows, separator) && most(rows, (row) => isTag(cellsOf(row, separator).at(-1)?.trim() ?? ''));
}

/** In columns, as many in each row as in the first. */
function areEven(rows: readonly string[], separator: string | RegExp): boolean {
  const count = cellsOf(rows[0] ?? '', separator).length;
  return count > 1 && most(rows, (row) => cellsOf(row, separator).length === count);
}

/** Alone on their lines. A sentence in a script without spaces has its full stop. */
function areWords(rows: readonly string[]): boolean {
  return rows.length > 0 && rows.every((row) => !/\s/.test(row.trim()) && !/.[。！？।]$/u.test(row.trim()));
}

function cellsOf(row: string, separator: string | RegExp): string[] {
  return separator === '\t' ? row.split(separator) : row.trim().split(separator);
}

function most(rows: readonly string[], isRight: (row: string) => boolean): boolean {
  return rows.filter(isRight).length >= MOST * rows.length;
}

/** By the keys of the first object; `[` and `{` alone are words of a CoNLL file. */
function jsonFormat(filled: readonly string[]): Format | null {
  const isList = /^\s*\[\s*(?:\{\s*["}]|\]\s*$)/.test(filled.slice(0, 3).join('\n'));
  const first = isList ? filled.join('\n') : (filled[0] ?? '');
  if (!isList && !/^\s*\{\s*["}]/.test(first)) return null;
  if (/"(?:left|right)"\s*:\s*\{/.test(first)) return 'pairs';
  // Prodigy has a list of objects under this name
  return /"tokens"\s*:\s*\[\s*["\]]/.test(first) ? 'jsonl' : 'spans';
}
