/** A stream of bytes -> numbered lines of text, with the place of what is no UTF-8. */
import type { Place } from '../errors.ts';

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

/** Lines come in blocks, as many as a chunk of the stream holds: one await for each line takes four times as long. */
export type LineBlocks = AsyncIterable<readonly Line[]>;

export type Report = (place: Place) => void;

/** A longer line is no sentence; it would only fill memory. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;
const CARRIAGE_RETURN = 13;
const REPLACEMENT = '\uFFFD';

/** CRLF and a byte-order mark are taken off. What cannot be decoded, and a line that is too long, goes to `report` and is left out. */
export async function* readLines(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  report: Report,
  maxLineBytes = MAX_LINE_BYTES,
): AsyncGenerator<readonly Line[]> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let number = 1;
  let isTooLong = false;
  const take = (bytes: Buffer): Line[] => {
    const { lines, count } = decodeLines(bytes, number, report);
    number += count;
    return lines;
  };
  for await (const given of source) {
    let chunk = given;
    if (isTooLong) {
      const end = chunk.indexOf(NEWLINE);
      if (end < 0) continue;
      chunk = chunk.subarray(end + 1);
      isTooLong = false;
      number++;
    }
    const end = chunk.lastIndexOf(NEWLINE);
    if (end >= 0) {
      yield take(Buffer.concat([...rest, chunk.subarray(0, end)]));
      rest = [];
      restBytes = 0;
    }
    rest.push(chunk.subarray(end + 1));
    restBytes += chunk.length - end - 1;
    if (restBytes > maxLineBytes) {
      report({ line: number, column: 1, detail: `the line is longer than ${maxLineBytes} bytes` });
      isTooLong = true;
      rest = [];
      restBytes = 0;
    }
  }
  if (restBytes > 0) yield take(Buffer.concat(rest));
}

/** The blocks again, with their first lines to look at: `lines` of them, or fewer that have `chars` characters. */
export async function peekLines(
  source: AsyncGenerator<readonly Line[]>,
  { lines, chars }: { lines: number; chars: number },
): Promise<{ head: readonly Line[]; blocks: LineBlocks }> {
  const head: Line[] = [];
  for (let seen = 0; head.length < lines && seen < chars; ) {
    const next = await source.next();
    if (next.done === true) break;
    for (const line of next.value) {
      head.push(line);
      seen += line.text.length;
    }
  }
  const blocks = (async function* (): AsyncGenerator<readonly Line[]> {
    yield head;
    yield* source;
  })();
  return { head: head.slice(0, lines), blocks };
}

/** Column of a UTF-16 index, from 1, in code points, as editors count. */
export function columnAt(text: string, index: number): number {
  return Array.from(text.slice(0, index)).length + 1;
}

function decodeLines(bytes: Buffer, first: number, report: Report): { lines: Line[]; count: number } {
  const text = bytes.toString('utf8');
  if (!text.includes(REPLACEMENT)) {
    const lines = text.split('\n').map((line, index) => ({ text: clean(line, first + index), number: first + index }));
    return { lines, count: lines.length };
  }
  const lines: Line[] = [];
  let number = first;
  for (let start = 0; start <= bytes.length; number++) {
    const found = bytes.indexOf(NEWLINE, start);
    const end = found < 0 ? bytes.length : found;
    const decoded = decode(bytes.subarray(start, end), number, report);
    if (decoded !== null) lines.push({ text: clean(decoded, number), number });
    start = end + 1;
  }
  return { lines, count: number - first };
}

function clean(text: string, number: number): string {
  const line = text.charCodeAt(text.length - 1) === CARRIAGE_RETURN ? text.slice(0, -1) : text;
  return number === 1 && line.startsWith('\uFEFF') ? line.slice(1) : line;
}

function decode(bytes: Buffer, line: number, report: Report): string | null {
  const text = bytes.toString('utf8');
  // U+FFFD may stand in the file itself
  if (Buffer.from(text).equals(bytes)) return text;
  const valid = validLength(bytes);
  const hint = line === 1 && valid === 0 && (bytes[0] ?? 0) >= 0xfe ? '; the file looks like UTF-16' : '';
  report({ line, column: columnAt(bytes.subarray(0, valid).toString('utf8'), Infinity), detail: `the bytes are not UTF-8 (0x${(bytes[valid] ?? 0).toString(16)}${hint})` });
  return null;
}

/** Bytes up to the first that begins no whole character, found by halving. */
function validLength(bytes: Buffer): number {
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isPrefix(bytes.subarray(0, middle))) low = middle;
    else high = middle - 1;
  }
  // an unfinished character at the end is a prefix, too
  while (low > 0 && !isWhole(bytes.subarray(Math.max(0, low - 4), low))) low--;
  return low;
}

function isPrefix(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Whether up to four last bytes of a prefix end with a whole character. */
function isWhole(tail: Buffer): boolean {
  const lead = tail.findLastIndex((byte) => (byte & 0xc0) !== 0x80);
  const byte = tail[lead] ?? 0;
  const size = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
  return lead >= 0 && tail.length - lead >= size;
}
