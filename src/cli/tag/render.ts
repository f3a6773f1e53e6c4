/** A text with its entities, as a line of JSON or a sentence of CoNLL. */
import type { NerResult } from '../../schemas/ner.ts';
import { segmentWords } from '../../text/words.ts';
import type { Source } from './records.ts';

export const FORMATS = ['jsonl', 'conll'] as const;
export type Format = (typeof FORMATS)[number];

/** CoNLL is made of words: texts are cut as the service would cut them. */
export function sourceFor(format: Format, source: Source, language: string | undefined): Source {
  const { text, ...rest } = source;
  return format === 'jsonl' || text === undefined ? source : { ...rest, tokens: segmentWords(text, language).map(({ word }) => word) };
}

export function render(format: Format, { id, text, tokens }: Source, { entities, tags = [] }: NerResult): string {
  if (format === 'jsonl') return `${JSON.stringify({ id, text, tokens, ...(tokens !== undefined && { tags }), entities })}\n`;
  // a sentence without words is nothing that CoNLL could say
  return tokens === undefined || tokens.length === 0 ? '' : `${tokens.map((token, word) => `${token}\t${tags[word] ?? 'O'}\n`).join('')}\n`;
}
