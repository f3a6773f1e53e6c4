import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findEncoder } from '../../src/encoders/registry.ts';
import { layOut } from '../../src/encoders/pack.ts';
import { EncoderWeights } from '../../src/encoders/weights.ts';
import { batchInputs } from '../../src/inference/predictor.ts';
import { predictFunction } from '../../src/models/outputs.ts';
import { loadBackend } from '../../src/tensor/backend.ts';
import { compile } from '../../src/tensor/compile.ts';

/** The reference is of the 4-bit weights; bfloat16 is not held to it. */
const TOLERANCE = 1e-3;

interface Expected {
  input_ids: number[][];
  attention_mask: number[][];
  last_hidden_state: number[][][];
}

test('the real multilingual-e5-small-q4 gives the reference’s hidden states within 1e-3', async (t) => {
  const encodersDir = process.env['ENCODERS_DIR'] ?? join(process.env['CACHE_DIR'] ?? join(homedir(), '.cache', 'mtmt'), 'encoders');
  const encoder = await findEncoder(encodersDir, 'multilingual-e5-small-q4');
  await loadBackend({ device: 'cpu' });
  const expected = JSON.parse(readFileSync(new URL('../fixtures/e5-small-expected.json', import.meta.url), 'utf8')) as Expected;
  const weights = new EncoderWeights(encoder);
  t.after(() => weights.close());
  const shape = { rows: 3, length: 32 };
  const program = compile({
    variables: weights.loadBody(),
    functions: { encode: predictFunction(encoder.config, shape, { hasHead: false, hasVectors: true, hasWordVariable: false }) },
    precision: 'float32',
  });
  t.after(() => program.dispose());
  const rows = expected.input_ids.map((ids, sentence) => {
    const pieces = Int32Array.from(ids.filter((_, index) => expected.attention_mask[sentence]?.[index] === 1));
    return [{ sentence, pieces, words: [...pieces.keys()].map((at) => ({ word: at, at })) }];
  });
  const batch = layOut(rows, shape, encoder.config);
  const { vectors } = program.call('encode', batchInputs(batch, weights.wordTable()));
  let worst = 0;
  for (const { sentence, word, at } of batch.words) {
    expected.last_hidden_state[sentence]![word]!.forEach((value, column) => {
      worst = Math.max(worst, Math.abs(vectors![at * encoder.config.hiddenSize + column]! - value));
    });
  }
  t.diagnostic(`largest difference ${worst.toExponential(2)}`);
  assert.ok(worst < TOLERANCE, `largest difference ${worst}`);
});
