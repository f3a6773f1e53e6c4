/** What every format's reader is given and gives. */
import { parse, printParseErrorCode, type ParseError } from 'jsonc-parser';
import type { Place } from '../../errors.ts';
import type { WordPair } from '../pairs.ts';
import type { Line } from '../lines.ts';

/** Tags as they stand in the file, in whatever scheme. */
export interface RawSentence {
  readonly tokens: readonly string[];
  readonly tags?: readonly string[];
}

export type Item = { readonly sentence: RawSentence } | { readonly pair: WordPair };

export interface ReadOptions {
  /** Columns of token and tag, from 0; conll only. */
  readonly columns?: { readonly token?: number | undefined; readonly tag?: number | undefined } | undefined;
  readonly language: string;
  readonly report: (place: Place) => void;
  readonly warn: (warning: string) => void;
}

/** Reads a format line by line. What is wrong goes to `report`, and reading goes on. */
export type FormatReader = (lines: AsyncIterable<Line>, options: ReadOptions) => AsyncIterable<Item>;

/** The object of a JSON line, or null after a report. */
export function parseObject({ text, number }: Line, report: (place: Place) => void): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    report({ line: number, column: 1, detail: 'expected a JSON object' });
  } catch {
    // V8 tells no position for most mistakes
    const errors: ParseError[] = [];
    parse(text, errors, { disallowComments: true });
    const [first] = errors;
    report({ line: number, column: (first?.offset ?? 0) + 1, detail: `this is no JSON: ${first === undefined ? 'syntax error' : printParseErrorCode(first.error)}` });
  }
  return null;
}

/** A list of words, or null after a report. */
export function wordsOf(value: unknown, line: number, where: string, report: (place: Place) => void): string[] | null {
  if (!Array.isArray(value) || value.length === 0 || !value.every((token) => typeof token === 'string')) {
    report({ line, column: 1, detail: `${where} must be a list of words that is not empty` });
    return null;
  }
  const words = value as string[];
  const bad = words.findIndex((word) => word.trim() === '' || !isWellFormed(word));
  if (bad < 0) return words;
  report({ line, column: 1, detail: `${where}[${bad}] is ${words[bad]?.trim() === '' ? 'an empty word' : 'no valid Unicode (a lone surrogate)'}` });
  return null;
}

/** Whether there is no lone surrogate (String.prototype.isWellFormed, for the TypeScript library of this target). */
export function isWellFormed(text: string): boolean {
  return !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text);
}
