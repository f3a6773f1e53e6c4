// The real default encoder, where it is installed: `npx mtmt encoders install multilingual-e5-small`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../src/config.ts';
import { DEFAULT_ENCODER, findEncoder, verifyEncoder } from '../../src/encoders/registry.ts';
import { loadTokenizer } from '../../src/encoders/tokenizer.ts';

/** From transformers, with the tokenizer that both forms of the encoder share. */
const EXPECTED: readonly { words: readonly string[]; ids: readonly number[]; starts: readonly number[] }[] = [
  {
    words: ['Anna', 'Keller', 'moved', 'to', 'Köln', 'in', '1998', '.'],
    ids: [7714, 161644, 109133, 47, 77399, 23, 9571, 6, 5],
    starts: [0, 1, 2, 3, 4, 5, 6, 7, 9],
  },
  {
    words: ['El', 'ministro', 'habló', 'en', 'Logroño', 'ante', 'Iberdrola', '.'],
    ids: [540, 28789, 11598, 4380, 22, 13146, 516, 12485, 4030, 87, 1297, 5814, 143, 6, 5],
    starts: [0, 1, 2, 4, 5, 8, 9, 13, 15],
  },
  {
    words: ['王小明', '在', '北京', '大学', '学习', '。'],
    ids: [90416, 1128, 3924, 6376, 6, 8732, 6, 4945, 6, 7272, 6, 30],
    starts: [0, 3, 4, 6, 8, 10, 12],
  },
];

const encoder = await findEncoder(loadConfig(process.env).encodersDir, DEFAULT_ENCODER).catch(() => null);
const skip = encoder === null ? `SKIPPED LOUDLY: ${DEFAULT_ENCODER} is not installed, so nothing of it was tested` : false;
if (skip !== false) process.stderr.write(`${skip}\n`);

test('The default encoder is on disk as it was installed', { skip }, async () => {
  if (encoder !== null) await verifyEncoder(encoder);
});

test('Its tokenizer gives the pieces and words that transformers gives', { skip }, async () => {
  const tokenizer = await loadTokenizer(encoder?.directory ?? '');
  assert.deepEqual([tokenizer.startId, tokenizer.padId, tokenizer.endId, tokenizer.unkId], [0, 1, 2, 3]);
  for (const { words, ids, starts } of EXPECTED) {
    const pieced = await tokenizer.pieces(words);
    assert.deepEqual([...pieced.ids], ids);
    assert.deepEqual([...pieced.starts], starts);
  }
});
