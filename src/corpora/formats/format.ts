/** What every format's reader is given and gives. */
import type { LineBlocks, Report } from '../lines.ts';
import type { WordPair } from '../pairs.ts';

/** A longer sentence is a file without blank lines, or a document that nobody has cut. */
export const MAX_WORDS = 100_000;
export const TOO_LONG = `a sentence of more than ${MAX_WORDS} words; are the blank lines between sentences missing?`;
/** In UTF-16 units. */
export const MAX_WORD_CHARS = 10_000;

/** Tags as they stand in the file, in whatever scheme. */
export interface RawSentence {
  readonly tokens: readonly string[];
  readonly tags?: readonly string[];
}

/** `line`: where it begins. */
export type Item = { readonly line: number } & ({ readonly sentence: RawSentence } | { readonly pair: WordPair });

export interface ReadOptions {
  /** Tags matter in labeled data only; elsewhere a tag column may hold anything. */
  readonly kind: 'labeled' | 'unlabeled' | 'pairs';
  /** Columns of token and tag, from 0; conll only. */
  readonly columns?: { readonly token?: number | undefined; readonly tag?: number | undefined } | undefined;
  readonly language: string;
  /** May throw, to end the reading. */
  readonly report: Report;
  readonly warn: (warning: string) => void;
}

/** Reads a format block by block. What is wrong goes to `report`, and reading goes on. */
export type FormatReader = (blocks: LineBlocks, options: ReadOptions) => AsyncIterable<Item>;
