/** JSON lines: `{"tokens": [...], "tags": [...]}`, tags absent in raw text. */
import { parseObject, wordsOf, type FormatReader } from './format.ts';

export const readJsonl: FormatReader = async function* (lines, { report }) {
  for await (const line of lines) {
    if (line.text.trim() === '') continue;
    const object = parseObject(line, report);
    const tokens = object && wordsOf(object['tokens'], line.number, 'tokens', report);
    if (!object || !tokens) continue;
    const { tags } = object;
    if (tags === undefined || tags === null) {
      yield { sentence: { tokens } };
    } else if (!Array.isArray(tags) || !tags.every((tag) => typeof tag === 'string')) {
      report({ line: line.number, column: 1, detail: 'tags must be a list of strings' });
    } else if (tags.length !== tokens.length) {
      report({ line: line.number, column: 1, detail: `expected ${tokens.length} tags, one for each token, found ${tags.length}` });
    } else {
      yield { sentence: { tokens, tags: tags as string[] } };
    }
  }
};
