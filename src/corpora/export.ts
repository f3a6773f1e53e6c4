/** Sentences and pairs of a dataset as a file of another format. */
import { spansOfTags } from '../text/bio.ts';
import type { Sentence } from './corpus.ts';
import type { WordPair } from './pairs.ts';

export const EXPORT_FORMATS = ['conll', 'wikiann', 'jsonl', 'spans', 'text'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** @param language BCP 47; WikiAnn writes it before each word */
export async function* exportSentences(sentences: AsyncIterable<Sentence>, format: ExportFormat, language = 'und'): AsyncGenerator<string> {
  const prefix = format === 'wikiann' ? `${language.split('-')[0]?.toLowerCase()}:` : '';
  for await (const sentence of sentences) yield writeSentence(sentence, format, prefix);
}

export async function* exportPairs(pairs: AsyncIterable<WordPair>): AsyncGenerator<string> {
  for await (const pair of pairs) yield `${JSON.stringify(pair)}\n`;
}

function writeSentence({ tokens, tags }: Sentence, format: ExportFormat, prefix: string): string {
  if (format === 'conll' || format === 'wikiann') {
    return `${tokens.map((token, word) => `${prefix}${token}${tags === undefined ? '' : `\t${tags[word]}`}`).join('\n')}\n\n`;
  }
  if (format === 'jsonl') return `${JSON.stringify(tags === undefined ? { tokens } : { tokens, tags })}\n`;
  const text = tokens.join(' ');
  if (format === 'text') return `${text}\n`;
  // offsets in code points, as the tools that read this format count
  const starts: number[] = [];
  let at = 0;
  for (const token of tokens) {
    starts.push(at);
    at += Array.from(token).length + 1;
  }
  const spans = spansOfTags(tags ?? []).map(({ wordStart, wordEnd, label }) => ({ start: starts[wordStart], end: (starts[wordEnd] ?? at) - 1, label }));
  return `${JSON.stringify({ text, spans })}\n`;
}
