/** Objects in JSON lines or in one JSON list, and the places in them. */
import { findNodeAtLocation, parse, parseTree, printParseErrorCode, type ParseError } from 'jsonc-parser';
import type { Place } from '../../errors.ts';
import type { LineBlocks, Report } from '../lines.ts';
import { listScanner } from './json-list.ts';

/** The text of one object, and where it begins. */
export interface JsonText {
  readonly text: string;
  readonly line: number;
  /** From 1, in code points. */
  readonly column: number;
}

export type Path = readonly (string | number)[];

/** jsonc-parser descends recursively and keeps a tree; a longer text is placed by its beginning. */
const MAX_PLACED_CHARS = 1_000_000;

/** One object a line, or the objects of a list, which may stand on any lines; a list is not held whole. */
export async function* readJson(blocks: LineBlocks, report: Report): AsyncGenerator<JsonText> {
  let isFirst = true;
  let list: ReturnType<typeof listScanner> | null = null;
  for await (const block of blocks) {
    for (const line of block) {
      if (list === null && line.text.trim() === '') continue;
      if (isFirst && line.text.trimStart().startsWith('[')) list = listScanner(report);
      isFirst = false;
      if (list === null) yield { text: line.text, line: line.number, column: 1 };
      else yield* list.take(line);
    }
  }
  list?.end();
}

/** The object, or null after a report. */
export function parseObject(source: JsonText, report: Report): Record<string, unknown> | null {
  let value: unknown;
  try {
    value = JSON.parse(source.text);
  } catch {
    report(syntaxError(source));
    return null;
  }
  if (isObject(value)) return value;
  report({ line: source.line, column: source.column, detail: 'expected a JSON object' });
  return null;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where the value of a path stands, or the closest that there is around it. */
export function placeOf(source: JsonText, path: Path): { line: number; column: number } {
  const tree = source.text.length > MAX_PLACED_CHARS ? undefined : guarded(() => parseTree(source.text));
  for (let length = path.length; tree !== undefined && length > 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (node !== undefined) return placeAt(source, node.offset);
  }
  return { line: source.line, column: source.column };
}

/** Words of a list, or null after a report. Spaces around a word are taken off. */
export function wordsOf(value: unknown, where: { source: JsonText; path: Path; report: Report }): string[] | null {
  const { source, path, report } = where;
  const name = path.join('.');
  if (!Array.isArray(value) || value.length === 0) {
    report({ ...placeOf(source, path), detail: `${name} must be a list of words that is not empty` });
    return null;
  }
  const words = value.map((word: unknown) => (typeof word === 'string' ? word.trim() : null));
  const bad = words.findIndex((word) => word === null || word === '' || !isWellFormed(word) || /[\t\n\r]/.test(word));
  if (bad < 0) return words.filter((word) => word !== null);
  report({ ...placeOf(source, [...path, bad]), detail: `${name}[${bad}] is ${faultOf(words[bad] ?? null)}` });
  return null;
}

/** Whether there is no lone surrogate (String.prototype.isWellFormed, which this target's library lacks). */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}

function faultOf(word: string | null): string {
  if (word === null) return 'no string';
  if (word === '') return 'an empty word';
  return isWellFormed(word) ? 'no word: it holds a tab or a line break' : 'no valid Unicode (a lone surrogate)';
}

/** V8 tells no position for most mistakes. */
function syntaxError(source: JsonText): Place {
  const errors: ParseError[] = [];
  if (source.text.length <= MAX_PLACED_CHARS) guarded(() => parse(source.text, errors, { disallowComments: true }) as unknown);
  const [first] = errors;
  if (first === undefined) return { line: source.line, column: source.column, detail: 'this is no JSON' };
  return { ...placeAt(source, first.offset), detail: `this is no JSON: ${printParseErrorCode(first.error)}` };
}

function placeAt({ text, line, column }: JsonText, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  const length = Array.from(before.at(-1) ?? '').length;
  return before.length === 1 ? { line, column: column + length } : { line: line + before.length - 1, column: length + 1 };
}

/** Deep nesting ends jsonc-parser's recursion. */
function guarded<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
