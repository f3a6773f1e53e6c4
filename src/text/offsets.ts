/** Offsets of one text in UTF-16 units (what JavaScript counts), code points and UTF-8 bytes, both ways; linear to build, constant to look up. */

export type OffsetUnit = 'utf16' | 'codepoint' | 'byte';

export interface Offsets {
  /** Length of the whole text in the unit. */
  readonly length: number;
  /** @throws RangeError outside of the text, or between the halves of a surrogate pair */
  fromUtf16(offset: number): number;
  /** @throws RangeError outside of the text, or inside a character */
  toUtf16(offset: number): number;
}

/** Marks offsets that stand inside a character. */
const INSIDE = -1;

/** A lone surrogate counts as one code point, and three bytes (those of U+FFFD, which UTF-8 encoders write for it). */
export function offsetsOf(text: string, unit: OffsetUnit): Offsets {
  const sizeOf = unit === 'codepoint' ? () => 1 : utf8Size;
  if (unit === 'utf16' || isSame(text, unit)) return sameOffsets(text);
  const from = new Int32Array(text.length + 1).fill(INSIDE);
  let length = 0;
  forEachCodePoint(text, (at, point) => {
    from[at] = length;
    length += sizeOf(point);
  });
  from[text.length] = length;
  const to = new Int32Array(length + 1).fill(INSIDE);
  for (let at = 0; at <= text.length; at++) {
    const offset = from[at] as number;
    if (offset !== INSIDE) to[offset] = at;
  }
  return { length, fromUtf16: (offset) => look(from, offset), toUtf16: (offset) => look(to, offset) };
}

/** Index in UTF-16 units of the first surrogate without its other half, -1 where there is none: such text has no UTF-8. */
export function indexOfLoneSurrogate(text: string): number {
  return text.search(/\p{Surrogate}/u);
}

function sameOffsets({ length }: string): Offsets {
  const check = (offset: number): number => {
    if (!Number.isInteger(offset) || offset < 0 || offset > length) throw outside(offset, length);
    return offset;
  };
  return { length, fromUtf16: check, toUtf16: check };
}

/** Most text needs no table. */
function isSame(text: string, unit: 'codepoint' | 'byte'): boolean {
  return unit === 'codepoint' ? !/[\ud800-\udfff]/.test(text) : !/[^\0-\x7f]/.test(text);
}

function forEachCodePoint(text: string, visit: (at: number, point: number) => void): void {
  for (let at = 0; at < text.length; ) {
    const point = text.codePointAt(at) as number;
    visit(at, point);
    at += point > 0xffff ? 2 : 1;
  }
}

function utf8Size(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

function look(table: Int32Array, offset: number): number {
  const found = table[offset];
  if (found === undefined) throw outside(offset, table.length - 1);
  if (found === INSIDE) throw new RangeError(`the offset ${offset} stands inside a character`);
  return found;
}

function outside(offset: number, length: number): RangeError {
  return new RangeError(`the offset ${offset} is outside of a text of ${length}`);
}
