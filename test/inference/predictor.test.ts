import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PieceTokenizer } from '../../src/encoders/tokenizer.ts';
import { predictor } from '../../src/inference/predictor.ts';
import type { EncoderConfig } from '../../src/models/config.ts';
import type { Program, Values } from '../../src/tensor/program.ts';

const SHAPES = [[1, 32], [1, 64], [1, 128], [8, 128]].map(([rows = 0, length = 0]) => ({ rows, length }));

/** A word is one piece, its number; its distribution is that number. @returns the shapes that were run, by length and rows */
function numbers(): { predict: (sizes: readonly number[]) => Promise<Float32Array[]>; calls: string[] } {
  const calls: string[] = [];
  const call = (name: string, { pieces }: Values): Record<string, Float32Array> => {
    calls.push(name.replace('predict', ''));
    return { probs: Float32Array.from(pieces ?? []) };
  };
  const piecesOfAll: PieceTokenizer['piecesOfAll'] = (sentences) =>
    Promise.resolve(sentences.map((words) => ({ ids: Int32Array.from(words, Number), starts: Int32Array.from({ length: words.length + 1 }, (_, index) => index) })));
  const { predict } = predictor({
    program: { call } as unknown as Program,
    shapes: SHAPES,
    config: { padId: 0, firstPosition: 0 } as EncoderConfig,
    tokenizer: { startId: 0, endId: 0, piecesOfAll } as unknown as PieceTokenizer,
    words: null,
    window: { maxPieces: 128, wordPiece: 'first' },
  });
  return {
    calls,
    // two of the pieces are special ones
    predict: async (sizes) => (await predict(sizes.map((size, sentence) => Array.from({ length: size - 2 }, (_, word) => String(sentence * 1000 + word))))).map(({ probs }) => probs ?? assert.fail()),
  };
}

for (const [title, sizes, expected] of [
  ['one short sentence takes the smallest shape', [20], ['1x32']],
  ['sentences that share a row take it', [30, 20, 40], ['1x128']],
  ['one sentence too many takes a small shape more, not eight rows', [30, 30, 30, 30, 30], ['1x128', '1x32']],
  ['many take the large shape', Array<number>(40).fill(25), ['8x128']],
  ['a rest of many takes what it needs', [...Array<number>(40).fill(25), 12], ['8x128', '1x32']],
  ['a long one is read in windows', [300], ['1x128', '1x128', '1x128', '1x128']],
] as const) {
  test(`${title}, and each word has its own result`, async () => {
    const { predict, calls } = numbers();
    const results = await predict(sizes);
    assert.deepEqual(calls, expected);
    for (const [sentence, probs] of results.entries()) assert.deepEqual([...probs], Array.from({ length: (sizes[sentence] ?? 0) - 2 }, (_, word) => sentence * 1000 + word));
  });
}
