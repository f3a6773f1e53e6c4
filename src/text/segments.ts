/** Unicode's word boundaries (UAX 29, with ICU's dictionaries for scripts without spaces), in linear time. */

/** UTF-16 units, half-open. */
export type Range = readonly [start: number, end: number];

/**
 * Units given to ICU at once. V8's iterator copies its text at every step (Node 20: 24 s for 200 kB), so that only short texts are linear;
 * a word that fills a whole block is cut there.
 */
const BLOCK = 512;
/** What ends this close to a block's end may go on after it. */
const MARGIN = 64;

/** Scripts without spaces: ICU joins them to Latin letters beside them and finds no words in the whole. */
const UNSPACED_SCRIPTS = '\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';
const UNSPACED_LETTER = new RegExp(`[${UNSPACED_SCRIPTS}]`, 'u');
const OTHER_LETTER = new RegExp(`[^${UNSPACED_SCRIPTS}\\p{M}\\p{Cf}]`, 'u');
const UNSPACED_RUN = new RegExp(`[${UNSPACED_SCRIPTS}][${UNSPACED_SCRIPTS}\\p{M}]*`, 'gu');

const segmenters = new Map<string, Intl.Segmenter>();
const MAX_SEGMENTERS = 64;

/** Segments of the whole text in order; white space may be left out. @param language BCP 47; what ICU does not know is read by the rules for all */
export function* segments(text: string, language?: string): Generator<Range> {
  const segmenter = segmenterOf(language);
  for (const [from, to] of blockSegments(text, segmenter)) {
    for (const [start, end] of scriptRuns(text.slice(from, to), segmenter)) yield [from + start, from + end];
  }
}

/** ICU's segments, block by block. */
function* blockSegments(text: string, segmenter: Intl.Segmenter): Generator<Range> {
  const space = /\s*/y;
  for (let at = 0; ; ) {
    space.lastIndex = at;
    at += space.exec(text)?.[0].length ?? 0;
    if (at >= text.length) return;
    const isLast = text.length - at <= BLOCK;
    const block = text.slice(at, at + BLOCK);
    const found = [...segmenter.segment(block)];
    const kept = isLast ? found.length : keptOf(found);
    for (const { index, segment } of found.slice(0, kept)) yield [at + index, at + index + segment.length];
    const next = found[kept]?.index ?? block.length;
    at += next > 0 ? next : block.length;
  }
}

/** How many segments of a block are sure; the next block begins after a space where the second half has one, so that it is read as in one piece. */
function keptOf(segments: readonly Intl.SegmentData[]): number {
  const size = (segments.at(-1)?.index ?? 0) + (segments.at(-1)?.segment.length ?? 0);
  const space = segments.findLastIndex(({ index, segment }) => index >= size / 2 && /^\s/.test(segment));
  if (space > 0) return space;
  const sure = segments.findLastIndex(({ index, segment }) => index + segment.length <= size - MARGIN) + 1;
  return sure > 0 ? sure : segments.length - 1 || 1;
}

/** Cuts one segment where a script without spaces meets another, and segments those parts alone. */
function scriptRuns(segment: string, segmenter: Intl.Segmenter): Range[] {
  if (!UNSPACED_LETTER.test(segment) || !OTHER_LETTER.test(segment)) return [[0, segment.length]];
  const ranges: Range[] = [];
  let at = 0;
  for (const { 0: run, index } of segment.matchAll(UNSPACED_RUN)) {
    if (index > at) ranges.push([at, index]);
    for (const part of segmenter.segment(run)) ranges.push([index + part.index, index + part.index + part.segment.length]);
    at = index + run.length;
  }
  if (at < segment.length) ranges.push([at, segment.length]);
  return ranges;
}

function segmenterOf(language = 'und'): Intl.Segmenter {
  const known = segmenters.get(language);
  if (known !== undefined) return known;
  let made: Intl.Segmenter;
  try {
    made = new Intl.Segmenter(language, { granularity: 'word' });
  } catch {
    // not a tag that ICU accepts: the rules that hold for every language
    made = new Intl.Segmenter('und', { granularity: 'word' });
  }
  // tags come from requests
  if (segmenters.size >= MAX_SEGMENTERS) segmenters.clear();
  segmenters.set(language, made);
  return made;
}
