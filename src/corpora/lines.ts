/** A stream of bytes -> numbered lines of text, with the place of what is no UTF-8. */
import type { Place } from '../errors.ts';

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
}

/** A longer line is no sentence; it would only fill memory. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const NEWLINE = 10;

/** CRLF and a byte-order mark are taken off. What cannot be decoded goes to `report` and is left out. */
export async function* readLines(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, report: (place: Place) => void): AsyncGenerator<Line> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  let number = 0;
  const take = (): Line | null => {
    number++;
    const bytes = Buffer.concat(rest);
    rest = [];
    restBytes = 0;
    const text = decode(bytes, number, report);
    return text === null ? null : { text: number === 1 ? text.replace(/^\uFEFF/, '') : text, number };
  };
  for await (const chunk of source) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      rest.push(chunk.subarray(start, end));
      const line = take();
      if (line !== null) yield line;
      start = end + 1;
    }
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > MAX_LINE_BYTES) {
      report({ line: number + 1, column: 1, detail: `the line is longer than ${MAX_LINE_BYTES} bytes` });
      return;
    }
  }
  if (rest.some(({ length }) => length > 0)) {
    const line = take();
    if (line !== null) yield line;
  }
}

function decode(bytes: Buffer, line: number, report: (place: Place) => void): string | null {
  const body = bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes;
  const text = body.toString('utf8');
  if (!text.includes('\uFFFD') || Buffer.from(text).equals(body)) return text;
  const valid = firstInvalidByte(body);
  report({ line, column: Array.from(body.subarray(0, valid).toString('utf8')).length + 1, detail: `the bytes are not UTF-8 (0x${(body[valid] ?? 0).toString(16)})` });
  return null;
}

/** The longest valid prefix, found by halving. */
function firstInvalidByte(bytes: Buffer): number {
  let low = 0;
  let high = bytes.length;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const isValid = (length: number): boolean => {
    try {
      decoder.decode(bytes.subarray(0, length), { stream: true }); // an unfinished last character is no error here
      return true;
    } catch {
      return false;
    } finally {
      resetDecoder(decoder);
    }
  };
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (isValid(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function resetDecoder(decoder: InstanceType<typeof TextDecoder>): void {
  try {
    decoder.decode();
  } catch {
    // what was left of an unfinished character
  }
}
