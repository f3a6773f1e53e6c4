/** JSON lines of pairs: `{"left": {"tokens": [...], "word": 3}, "right": {...}, "same": true}`, or whole sentences with `tags`: one pair a position. */
import type { PairSide } from '../pairs.ts';
import { parseObject, wordsOf, type FormatReader } from './format.ts';

export const readPairLines: FormatReader = async function* (lines, { report }) {
  for await (const line of lines) {
    if (line.text.trim() === '') continue;
    const object = parseObject(line, report);
    if (object === null) continue;
    const wrong = (detail: string): void => report({ line: line.number, column: 1, detail });
    const left = sideOf(object['left']);
    const right = sideOf(object['right']);
    const leftTokens = wordsOf(left?.['tokens'], line.number, 'left.tokens', report);
    const rightTokens = wordsOf(right?.['tokens'], line.number, 'right.tokens', report);
    if (!left || !right || leftTokens === null || rightTokens === null) continue;
    if (left['tags'] !== undefined || right['tags'] !== undefined) {
      const leftTags = tagsOf(left['tags'], leftTokens.length);
      const rightTags = tagsOf(right['tags'], rightTokens.length);
      if (leftTags === null || rightTags === null) {
        wrong('left.tags and right.tags must hold one tag for each token');
        continue;
      }
      for (let word = 0; word < Math.min(leftTags.length, rightTags.length); word++)
        yield { pair: { left: { tokens: leftTokens, word }, right: { tokens: rightTokens, word }, same: leftTags[word] === rightTags[word] } };
      continue;
    }
    const placedLeft = placed(leftTokens, left['word']);
    const placedRight = placed(rightTokens, right['word']);
    const { same } = object;
    if (placedLeft === null) wrong(`left.word must be a position in left.tokens, 0 to ${leftTokens.length - 1}`);
    else if (placedRight === null) wrong(`right.word must be a position in right.tokens, 0 to ${rightTokens.length - 1}`);
    else if (same !== undefined && typeof same !== 'boolean') wrong('same must be true or false, or absent');
    else yield { pair: { left: placedLeft, right: placedRight, ...(same !== undefined && { same }) } };
  }
};

function sideOf(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
}

function tagsOf(value: unknown, count: number): string[] | null {
  return Array.isArray(value) && value.length === count && value.every((tag) => typeof tag === 'string') ? (value as string[]) : null;
}

function placed(tokens: readonly string[], word: unknown): PairSide | null {
  return Number.isInteger(word) && (word as number) >= 0 && (word as number) < tokens.length ? { tokens, word: word as number } : null;
}
