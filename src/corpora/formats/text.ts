/** Plain text: one sentence a line, cut into words as the service cuts requests. */
import { segmentWords } from '../../text/words.ts';
import { isWellFormed, type FormatReader } from './format.ts';

export const readText: FormatReader = async function* (lines, { language, report }) {
  for await (const { text, number } of lines) {
    if (!isWellFormed(text)) {
      report({ line: number, column: 1, detail: 'the line holds a lone surrogate' });
      continue;
    }
    const tokens = segmentWords(text, language).map(({ word }) => word);
    if (tokens.length > 0) yield { sentence: { tokens } };
  }
};
