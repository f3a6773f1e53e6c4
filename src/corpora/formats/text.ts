/** Plain text: one sentence a line, cut into words as the service cuts requests. */
import { segmentWords } from '../../text/words.ts';
import type { FormatReader } from './format.ts';

export const readText: FormatReader = async function* (blocks, { language }) {
  for await (const block of blocks) {
    for (const { text, number } of block) {
      const tokens = segmentWords(text, language).map(({ word }) => word);
      if (tokens.length > 0) yield { sentence: { tokens }, line: number };
    }
  }
};
