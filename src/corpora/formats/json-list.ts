/** Cuts a JSON list into the texts of its objects, line by line. */
import { MAX_LINE_BYTES, type Line, type Report } from '../lines.ts';
import type { JsonText } from './json.ts';

/** What may come next outside of an object. */
type State = 'list' | 'first' | 'object' | 'comma' | 'nothing' | 'broken';

const QUOTE = 34;
const COMMA = 44;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;
const EXPECTED: Record<State, string> = {
  list: 'a list',
  first: 'an object or the end of the list',
  object: 'an object',
  comma: 'a comma or the end of the list',
  nothing: 'nothing after the list',
  broken: '',
};

export interface ListScanner {
  /** Objects that end in this line. */
  take(line: Line): JsonText[];
  end(): void;
}

export function listScanner(report: Report): ListScanner {
  let state: State = 'list';
  let open: { line: number; column: number; parts: string[]; length: number; depth: number } | null = null;
  let isInString = false;
  let isEscaped = false;
  let last = 1;

  const closes = (code: number): boolean => {
    if (open === null) return false;
    if (isEscaped) isEscaped = false;
    else if (isInString) {
      if (code === BACKSLASH) isEscaped = true;
      else if (code === QUOTE) isInString = false;
    } else if (code === QUOTE) isInString = true;
    else if (code === OPEN_OBJECT || code === OPEN_LIST) open.depth++;
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) return --open.depth === 0;
    return false;
  };
  const next = (code: number): State => {
    if (state === 'list' && code === OPEN_LIST) return 'first';
    if ((state === 'first' || state === 'object') && code === OPEN_OBJECT) return 'comma';
    if (state === 'comma' && code === COMMA) return 'object';
    return (state === 'first' || state === 'comma') && code === CLOSE_LIST ? 'nothing' : 'broken';
  };

  return {
    take({ text, number }) {
      const found: JsonText[] = [];
      let start = 0;
      // the second halves of surrogate pairs: columns count code points
      let halves = 0;
      last = number;
      for (let at = 0; at < text.length && state !== 'broken'; at++) {
        const code = text.charCodeAt(at);
        if (code >= 0xdc00 && code <= 0xdfff) halves++;
        if (open !== null) {
          if (!closes(code)) continue;
          const { line, column, parts } = open;
          found.push({ text: [...parts, text.slice(start, at + 1)].join('\n'), line, column });
          open = null;
        } else if (code > 32) {
          const column = at - halves + 1;
          const was = state;
          state = next(code);
          if (state === 'broken') report({ line: number, column, detail: `expected ${EXPECTED[was]}` });
          if (code !== OPEN_OBJECT || state === 'broken') continue;
          open = { line: number, column, parts: [], length: 0, depth: 1 };
          start = at;
        }
      }
      if (open !== null) {
        open.parts.push(text.slice(start));
        open.length += text.length - start;
        if (open.length > MAX_LINE_BYTES) {
          report({ line: open.line, column: open.column, detail: `the object is longer than ${MAX_LINE_BYTES} characters` });
          state = 'broken';
          open = null;
        }
      }
      return found;
    },
    end() {
      if (state !== 'nothing' && state !== 'broken') report({ line: last, column: 1, detail: 'the list does not end' });
    },
  };
}
