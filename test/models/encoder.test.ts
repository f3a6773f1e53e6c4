import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { parseEncoderConfig } from '../../src/models/config.ts';
import { EncoderWeights, WORD_EMBEDDINGS } from '../../src/encoders/weights.ts';
import { layOut, packWindows, type Window } from '../../src/encoders/pack.ts';
import { predictFunction } from '../../src/models/outputs.ts';
import { batchInputs } from '../../src/inference/predictor.ts';
import { loadBackend } from '../../src/tensor/backend.ts';
import { compile } from '../../src/tensor/compile.ts';

const TOLERANCE = 1e-4;
const fixtures = new URL('../fixtures/encoders/', import.meta.url);

interface Expected {
  input_ids: number[][];
  attention_mask: number[][];
  last_hidden_state: number[][][];
}

before(() => loadBackend({ device: 'cpu' }));

for (const name of ['tiny-bert', 'tiny-xlm-roberta', 'tiny-distilbert']) {
  const directory = new URL(`${name}/`, fixtures).pathname;
  const json = (file: string): unknown => JSON.parse(readFileSync(directory + file, 'utf8'));
  const config = parseEncoderConfig(json('config.json'));
  const expected = json('expected.json') as Expected;
  const windows: Window[] = expected.input_ids.map((ids, sentence) => {
    const pieces = Int32Array.from(ids.filter((_, index) => expected.attention_mask[sentence]?.[index] === 1));
    return { sentence, pieces, words: [...pieces.keys()].map((at) => ({ word: at, at })) };
  });

  for (const [title, shape] of [
    ['one sentence a row', { rows: 3, length: 24 }],
    ['sentences packed into one row', { rows: 1, length: 64 }],
  ] as const) {
    for (const hasWordVariable of [false, true]) {
      test(`${name}, ${title}, word embeddings ${hasWordVariable ? 'in a variable' : 'looked up outside'}: hidden states equal the reference`, (t) => {
        const weights = new EncoderWeights({ directory, config });
        t.after(() => weights.close());
        const variables = { ...weights.loadBody(), ...(hasWordVariable && weights.load([WORD_EMBEDDINGS])) };
        const encode = predictFunction(config, shape, { hasHead: false, hasVectors: true, hasWordVariable });
        const program = compile({ variables, functions: { encode }, precision: 'float32' });
        t.after(() => program.dispose());
        const [rows] = [...packRows(windows, title, shape)];
        const batch = layOut(rows!, shape, config);
        const { vectors } = program.call('encode', batchInputs(batch, hasWordVariable ? null : weights.wordTable()));
        assert.equal(batch.words.length, expected.attention_mask.flat().filter((mask) => mask === 1).length);
        for (const { sentence, word, at } of batch.words) {
          expected.last_hidden_state[sentence]![word]!.forEach((value, column) => {
            const found = vectors![at * config.hiddenSize + column]!;
            assert.ok(Math.abs(found - value) < TOLERANCE, `sentence ${sentence}, piece ${word}, column ${column}: ${found}, expected ${value}`);
          });
        }
      });
    }
  }
}

function packRows(windows: Window[], title: string, shape: { rows: number; length: number }): Iterable<Window[][]> {
  return title === 'one sentence a row' ? [windows.map((window) => [window])] : packWindows(windows, shape);
}
