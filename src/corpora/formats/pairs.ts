/** JSON lines of pairs: `{"left": {"tokens": [...], "word": 3}, "right": {...}, "same": true}`, or whole sentences with `tags`: one pair a position. */
import type { PairSide } from '../pairs.ts';
import type { FormatReader } from './format.ts';
import { isObject, parseObject, placeOf, readJson, wordsOf } from './json.ts';

export const readPairLines: FormatReader = async function* (blocks, { report }) {
  for await (const source of readJson(blocks, report)) {
    const object = parseObject(source, report);
    if (object === null) continue;
    const left = sideOf(object['left']);
    const right = sideOf(object['right']);
    const leftTokens = wordsOf(left['tokens'], { source, path: ['left', 'tokens'], report });
    const rightTokens = wordsOf(right['tokens'], { source, path: ['right', 'tokens'], report });
    if (leftTokens === null || rightTokens === null) continue;
    const sides = { left, right, leftTokens, rightTokens };
    const pairs = left['tags'] !== undefined || right['tags'] !== undefined ? pairsOfSentences(sides) : pairOfWords(sides, object['same']);
    if (Array.isArray(pairs)) for (const pair of pairs) yield { pair, line: source.line };
    else report({ ...placeOf(source, pairs.path), detail: pairs.detail });
  }
};

interface Sides {
  readonly left: Record<string, unknown>;
  readonly right: Record<string, unknown>;
  readonly leftTokens: readonly string[];
  readonly rightTokens: readonly string[];
}
interface Fault {
  readonly path: readonly string[];
  readonly detail: string;
}
interface Pair {
  readonly left: PairSide;
  readonly right: PairSide;
  readonly same?: boolean;
}

function pairOfWords({ left, right, leftTokens, rightTokens }: Sides, same: unknown): Pair[] | Fault {
  const first = left['word'];
  const second = right['word'];
  if (!isPosition(first, leftTokens)) return { path: ['left', 'word'], detail: `left.word must be a position in left.tokens, 0 to ${leftTokens.length - 1}` };
  if (!isPosition(second, rightTokens)) return { path: ['right', 'word'], detail: `right.word must be a position in right.tokens, 0 to ${rightTokens.length - 1}` };
  const pair = { left: { tokens: leftTokens, word: first }, right: { tokens: rightTokens, word: second } };
  if (same === undefined) return [pair];
  return typeof same === 'boolean' ? [{ ...pair, same }] : { path: ['same'], detail: 'same must be true or false, or absent' };
}

function pairsOfSentences({ left, right, leftTokens, rightTokens }: Sides): Pair[] | Fault {
  const leftTags = tagsOf(left['tags'], leftTokens.length);
  const rightTags = tagsOf(right['tags'], rightTokens.length);
  const wrong = leftTags === null ? 'left' : 'right';
  if (leftTags === null || rightTags === null) return { path: [wrong, 'tags'], detail: `${wrong}.tags must hold one tag for each token` };
  const count = Math.min(leftTags.length, rightTags.length);
  return Array.from({ length: count }, (_, word) => ({ left: { tokens: leftTokens, word }, right: { tokens: rightTokens, word }, same: leftTags[word] === rightTags[word] }));
}

function sideOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

function tagsOf(value: unknown, count: number): readonly string[] | null {
  return Array.isArray(value) && value.length === count && value.every((tag) => typeof tag === 'string') ? value : null;
}

function isPosition(word: unknown, tokens: readonly string[]): word is number {
  return typeof word === 'number' && Number.isInteger(word) && word >= 0 && word < tokens.length;
}
