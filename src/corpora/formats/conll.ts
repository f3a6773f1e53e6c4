/** CoNLL: one word a line with its columns, a blank line after each sentence. Also WikiAnn, whose words carry their language: `en:word`. */
import type { FormatReader, RawSentence } from './format.ts';

const METADATA = /^#\s*(?:\S+\s*=|newdoc|newpar)/;

export const readConll: FormatReader = (lines, options) => readColumns(lines, options, (token) => token);

export const readWikiann: FormatReader = (lines, options) => readColumns(lines, options, (token) => token.replace(/^[a-z-]{2,12}:/, ''));

async function* readColumns(
  lines: Parameters<FormatReader>[0],
  { columns = {}, report }: Parameters<FormatReader>[1],
  clean: (token: string) => string,
): AsyncGenerator<{ sentence: RawSentence }> {
  let tokens: string[] = [];
  let tags: string[] = [];
  let expected = 0;
  const tokenColumn = columns.token ?? 0;
  for await (const { text, number } of lines) {
    if (text.trim() === '' || text.startsWith('-DOCSTART-')) {
      if (tokens.length > 0) yield { sentence: sentenceOf(tokens, tags, expected) };
      tokens = [];
      tags = [];
      continue;
    }
    if (tokens.length === 0 && METADATA.test(text) && !text.includes('\t')) continue;
    const cells = text.includes('\t') ? text.split('\t') : text.trim().split(/ +/);
    if (expected === 0) expected = cells.length;
    if (cells.length !== expected) {
      report({ line: number, column: text.length + 1, detail: `expected ${expected} columns as in the lines before, found ${cells.length}` });
      continue;
    }
    const token = clean(cells[tokenColumn] ?? '').trim();
    if (token === '') {
      report({ line: number, column: 1, detail: `column ${tokenColumn} holds no word` });
      continue;
    }
    tokens.push(token);
    if (expected > 1) tags.push((cells[columns.tag ?? expected - 1] ?? '').trim());
  }
  if (tokens.length > 0) yield { sentence: sentenceOf(tokens, tags, expected) };
}

function sentenceOf(tokens: string[], tags: string[], columns: number): RawSentence {
  return columns > 1 ? { tokens, tags } : { tokens };
}
