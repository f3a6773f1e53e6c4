/** CoNLL: one word a line with its columns, a blank line after each sentence. Also WikiAnn, whose words carry their language: `en:word`. */
import { columnAt, type LineBlocks } from '../lines.ts';
import { isTag, noTag } from '../scheme.ts';
import { MAX_WORDS, TOO_LONG, type FormatReader, type Item, type ReadOptions } from './format.ts';

/** CoNLL-U's comments, and those of MultiCoNER. */
const COMMENT = /^#\s*\S+ =(?:\s|$)|^# (?:newdoc|newpar|global\.columns|id)\b/;
/** Of CoNLL-2003. */
const DOCUMENT = '-DOCSTART-';
const LANGUAGE_PREFIX = /^[a-z-]{2,12}:(?=.)/;

export const readConll: FormatReader = (blocks, options) => readColumns(blocks, options, (token) => token);

export const readWikiann: FormatReader = (blocks, options) => {
  let prefix: string | undefined;
  return readColumns(blocks, options, (token) => {
    // the first word tells: in a file without prefixes `re:invent` is a word
    prefix ??= LANGUAGE_PREFIX.exec(token)?.[0] ?? '';
    return token.startsWith(prefix) ? token.slice(prefix.length) : token;
  });
};

export function isBetweenSentences(line: string): boolean {
  return line.trim() === '' || line.startsWith(DOCUMENT);
}

/** Where a sentence has not begun. */
export function isComment(line: string): boolean {
  return COMMENT.test(line);
}

async function* readColumns(blocks: LineBlocks, { kind, columns = {}, report }: ReadOptions, clean: (token: string) => string): AsyncGenerator<Item> {
  let tokens: string[] = [];
  let tags: string[] = [];
  let line = 1;
  let rows: Rows | null = null;
  const finish = (): Item => {
    // as many tags as words, or none
    const sentence = tags.length > 0 ? { tokens, tags } : { tokens };
    tokens = [];
    tags = [];
    return { sentence, line };
  };
  for await (const block of blocks) {
    for (const { text, number } of block) {
      if (isBetweenSentences(text)) {
        if (tokens.length > 0) yield finish();
        continue;
      }
      if (tokens.length === 0 && isComment(text)) continue;
      const first: Rows = rows ?? rowsOf(text, columns);
      const cells = first.split(text);
      const missing = rows === null ? [first.token, first.tag ?? 0].find((column) => column >= first.count) : undefined;
      rows = first;
      if (missing !== undefined) {
        report({ line: number, column: 1, detail: `column ${missing} was asked for, counted from 0, and the line has ${first.count}` });
        return;
      }
      if (cells.length !== first.count) {
        report({ line: number, column: columnAt(text, Infinity), detail: `expected ${first.count} columns as in the lines before, found ${cells.length}` });
        continue;
      }
      const token = clean((cells[first.token] ?? '').trim());
      if (token === '') report({ line: number, column: first.place(text, first.token), detail: `column ${first.token}, counted from 0, holds no word` });
      if (tokens.length === 0) line = number;
      tokens.push(token);
      if (first.tag === null) continue;
      const tag = (cells[first.tag] ?? '').trim();
      if (kind === 'labeled' && !isTag(tag)) report({ line: number, column: first.place(text, first.tag), detail: noTag(tag) });
      tags.push(tag);
    }
    // a file without blank lines is no sentence, and must not fill memory
    if (tokens.length > MAX_WORDS) {
      report({ line, column: 1, detail: TOO_LONG });
      return;
    }
  }
  if (tokens.length > 0) yield finish();
}

/** How the lines of a file are cut, as its first word's line shows. */
interface Rows {
  readonly count: number;
  readonly token: number;
  /** Null where words stand alone. */
  readonly tag: number | null;
  split(text: string): string[];
  /** Where a cell begins, from 1. */
  place(text: string, cell: number): number;
}

function rowsOf(first: string, columns: NonNullable<ReadOptions['columns']>): Rows {
  const isTabbed = first.includes('\t');
  const split = (text: string): string[] => (isTabbed ? text.split('\t') : text.trim().split(/ +/));
  const count = split(first).length;
  return {
    count,
    token: columns.token ?? 0,
    tag: columns.tag ?? (count > 1 ? count - 1 : null),
    split,
    place: (text, cell) => {
      const starts = Array.from(text.matchAll(isTabbed ? /(?<=^|\t)/g : /[^ ]+/g), ({ index }) => index);
      return columnAt(text, starts[cell] ?? 0);
    },
  };
}
