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

/** What is looked at: this many lines, or fewer that have so many characters. */
export const DETECTED = { lines: 200, chars: 1 << 20 } as const;

/** @param head the first lines, up to what DETECTED says */
export function detectFormat(head: readonly Line[], kind: 'labeled' | 'unlabeled' | 'pairs'): Format {
  if (kind === 'pairs') return 'pairs';
  const filled = head.map(({ text }) => text).filter((text) => text.trim() !== '' && !text.startsWith('-DOCSTART-'));
  const json = jsonFormat(filled);
  if (json !== null) return json;
  if (filled.length > 0 && filled.every((text) => /^[a-z-]{2,12}:\S.*\t/.test(text))) return 'wikiann';
  if (kind === 'labeled') return 'conll';
  // raw text: words in columns or alone on their lines, or whole sentences
  const hasTabs = filled.some((text) => text.includes('\t'));
  const areWords = filled.every((text) => !/\s/.test(text.trim()));
  return hasTabs || (areWords && filled.length < head.length) ? 'conll' : 'text';
}

/** By the keys of the first object; `[` and `{` alone are words of a CoNLL file. */
function jsonFormat(filled: readonly string[]): Format | null {
  const isList = /^\s*\[\s*(?:\{\s*["}]|\]\s*$)/.test(filled.slice(0, 3).join('\n'));
  const first = isList ? filled.join('\n') : (filled[0] ?? '');
  if (!isList && !/^\s*\{\s*["}]/.test(first)) return null;
  if (/"(?:left|right)"\s*:\s*\{/.test(first)) return 'pairs';
  // Prodigy has a list of objects under this name
  return /"tokens"\s*:\s*\[\s*["\]]/.test(first) ? 'jsonl' : 'spans';
}
