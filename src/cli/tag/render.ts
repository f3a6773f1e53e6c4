/** A text with its entities, as a line of JSON or a sentence of CoNLL. */
import type { Entity, NerResult } from '../../schemas/ner.ts';
import { segmentWords, type Word } from '../../text/words.ts';
import type { Fault, Source } from './source.ts';

export const FORMATS = ['jsonl', 'conll'] as const;
export type Format = (typeof FORMATS)[number];

/** @param language for the words of a text in CoNLL, which has offsets in UTF-16 units then */
export function render(format: Format, { id, text, tokens }: Source, { result: { entities, tags = [], truncated }, language }: { result: NerResult; language: string | undefined }): string {
  if (format === 'jsonl') return `${JSON.stringify({ id, text, tokens, ...(tokens !== undefined && { tags }), entities, ...(truncated && { truncated }) })}\n`;
  if (tokens !== undefined) return sentence(tokens, tags);
  const words = segmentWords(text ?? '', language);
  return sentence(
    words.map(({ word }) => word),
    tagsOf(words, entities),
  );
}

/** In the place of what cannot be tagged: an object without entities, or a comment as CoNLL-U has them. */
export function renderFault(format: Format, { id, line }: Source, { code, detail, ...place }: Fault): string {
  if (format === 'jsonl') return `${JSON.stringify({ id, line, error: { code, detail, ...place } })}\n`;
  return `# error = ${`${placeOfFault(line, place)}: ${code}: ${detail}`.replace(/\s+/g, ' ')}\n\n`;
}

/** @param line where the text begins */
export function placeOfFault(line: number, fault: Pick<Fault, 'line' | 'column'>): string {
  return `line ${fault.line ?? line}${fault.column === undefined ? '' : `, column ${fault.column}`}`;
}

/** A sentence without words is nothing that CoNLL could say. */
function sentence(words: readonly string[], tags: readonly string[]): string {
  return words.length === 0 ? '' : `${words.map((word, index) => `${word}\t${tags[index] ?? 'O'}\n`).join('')}\n`;
}

/** The service cuts texts into the same words; where it is of another version, a word has the tag of the entity that it shares a character with. */
function tagsOf(words: readonly Word[], entities: readonly Entity[]): string[] {
  const tags = words.map(() => 'O');
  let at = 0;
  for (const { start, end, label, tag } of entities) {
    while ((words[at]?.end ?? Infinity) <= start) at++;
    for (let isFirst = true; (words[at]?.start ?? Infinity) < end; at++, isFirst = false) tags[at] = tag ?? `${isFirst ? 'B' : 'I'}-${label}`;
  }
  return tags;
}
