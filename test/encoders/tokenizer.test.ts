import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadTokenizer } from '../../src/encoders/tokenizer.ts';
import type { PiecedWords, PieceTokenizer } from '../../src/encoders/tokenizer.ts';
import { digestOfFile } from '../../src/encoders/registry.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/encoders');

interface Expected {
  words: string[][];
  input_ids: number[][];
  attention_mask: number[][];
  word_ids: (number | null)[][];
}

for (const name of ['tiny-bert', 'tiny-xlm-roberta', 'tiny-distilbert']) {
  describe(`the tokenizer of ${name}`, () => {
    const directory = join(FIXTURES, name);

    test('gives the pieces and words that transformers gives', async () => {
      const expected = JSON.parse(await readFile(join(directory, 'expected.json'), 'utf8')) as Expected;
      const tokenizer = await loadTokenizer(directory);
      const all = await tokenizer.piecesOfAll(expected.words);
      for (const [i, pieced] of all.entries()) {
        const length = expected.attention_mask[i]?.reduce((a, b) => a + b, 0);
        assert.deepEqual(withSpecialPieces(tokenizer, pieced), expected.input_ids[i]?.slice(0, length));
        assert.deepEqual(wordIds(pieced), expected.word_ids[i]);
      }
    });

    test('answers the same for one sentence, from its cache, as for many', async () => {
      const tokenizer = await loadTokenizer(directory);
      const sentence = ['Anna', 'Keller', 'Anna', '王小明'];
      const first = await tokenizer.pieces(sentence);
      assert.deepEqual(await tokenizer.pieces(sentence), first);
      assert.deepEqual(await tokenizer.piecesOfAll([sentence, []]), [first, await tokenizer.pieces([])]);
    });

    test('gives every word at least one piece, the unknown one if need be', async () => {
      const tokenizer = await loadTokenizer(directory);
      const { ids, starts } = await tokenizer.pieces(['', '\u200d', '\ud800', 'x'.repeat(1000)]);
      for (let word = 0; word < 4; word++) assert.ok((starts[word + 1] ?? 0) > (starts[word] ?? 0), `word ${word}`);
      assert.equal(ids[0], tokenizer.unkId);
    });

    test('names its file by digest', async () => {
      const tokenizer = await loadTokenizer(directory);
      assert.equal(tokenizer.digest, await digestOfFile(join(directory, 'tokenizer.json')));
    });
  });
}

test('A folder without a tokenizer is refused with its path', async () => {
  await assert.rejects(loadTokenizer('/nowhere'), { code: 'ENCODER_INVALID', message: /\/nowhere\/tokenizer\.json/ });
});

function withSpecialPieces(tokenizer: PieceTokenizer, pieced: PiecedWords): number[] {
  return [tokenizer.startId, ...pieced.ids, tokenizer.endId];
}

function wordIds({ starts }: PiecedWords): (number | null)[] {
  const words = Array.from({ length: starts.length - 1 }, (_, word) =>
    Array.from({ length: (starts[word + 1] ?? 0) - (starts[word] ?? 0) }, () => word),
  );
  return [null, ...words.flat(), null];
}
