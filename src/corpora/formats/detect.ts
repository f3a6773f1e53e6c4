/** Which format a file is, by its first lines. */
import type { Line } from '../lines.ts';
import { readConll, readWikiann } from './conll.ts';
import type { FormatReader } from './format.ts';
import { readJsonl } from './jsonl.ts';
import { readPairLines } from './pairs.ts';
import { readSpans } from './spans.ts';
import { readText } from './text.ts';

export const READERS = { conll: readConll, wikiann: readWikiann, jsonl: readJsonl, spans: readSpans, text: readText, pairs: readPairLines } satisfies Record<string, FormatReader>;
export type Format = keyof typeof READERS;

/** Lines that are looked at. */
export const DETECTED_LINES = 200;

/** @param head the first lines, up to DETECTED_LINES */
export function detectFormat(head: readonly Line[], kind: 'labeled' | 'unlabeled' | 'pairs'): Format {
  if (kind === 'pairs') return 'pairs';
  const filled = head.map(({ text }) => text).filter((text) => text.trim() !== '' && !text.startsWith('-DOCSTART-'));
  const first = filled[0]?.trimStart() ?? '';
  if (first.startsWith('[')) return 'spans';
  if (first.startsWith('{')) return /"tokens"\s*:/.test(first) ? 'jsonl' : 'spans';
  if (filled.length > 0 && filled.every((text) => /^[a-z-]{2,12}:\S.*\t/.test(text))) return 'wikiann';
  if (kind === 'labeled') return 'conll';
  // raw text: words in columns or alone on their lines, or whole sentences
  const isColumns = filled.some((text) => text.includes('\t')) || filled.every((text) => !/\s/.test(text.trim()));
  const hasBlankLines = filled.length < head.length;
  return isColumns && (hasBlankLines || filled.some((text) => text.includes('\t'))) ? 'conll' : 'text';
}
