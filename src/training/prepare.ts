/** Corpora -> sentences -> windows, for training. */
import { random } from '../corpora/random.ts';
import type { Corpus, Sentence } from '../corpora/corpus.ts';
import type { WordPair } from '../corpora/pairs.ts';
import { cutWindows, type Window, type WindowOptions } from '../encoders/pack.ts';
import type { PieceTokenizer } from '../encoders/tokenizer.ts';

/** Sentences of all corpora; at most `limit` of each, drawn with the seed and left in their order. */
export function pickSentences(corpora: readonly Corpus[], { limit, seed }: { limit: number | null; seed: number }): Sentence[] {
  return corpora.flatMap(({ sentences }) => {
    if (limit === null || sentences.length <= limit) return sentences;
    const picked = random(seed).shuffle([...sentences.keys()]).slice(0, limit);
    return picked.sort((a, b) => a - b).map((index) => sentences[index] as Sentence);
  });
}

/** A unit for each window. */
export async function windowUnits(sentences: readonly Sentence[], tokenizer: PieceTokenizer, options: WindowOptions): Promise<Window[][]> {
  const pieced = await tokenizer.piecesOfAll(sentences.map(({ tokens }) => tokens));
  return pieced.flatMap((words, sentence) => cutWindows(sentence, words, tokenizer, options)).filter(({ words }) => words.length > 0).map((window) => [window]);
}

/** A unit for each pair: the window that decides the left word, as sentence 2k, and the one that decides the right word, as 2k + 1. */
export async function pairUnits(pairs: readonly WordPair[], tokenizer: PieceTokenizer, options: WindowOptions): Promise<Window[][]> {
  const sides = pairs.flatMap(({ left, right }) => [left, right]);
  const pieced = await tokenizer.piecesOfAll(sides.map(({ tokens }) => tokens));
  const windows = sides.map(({ word }, sentence) => {
    const words = pieced[sentence];
    return words === undefined ? undefined : cutWindows(sentence, words, tokenizer, options).find((window) => window.words.some((placed) => placed.word === word));
  });
  return pairs.map((_, pair) => [windows[2 * pair], windows[2 * pair + 1]].filter((window) => window !== undefined)).filter((unit) => unit.length === 2);
}
