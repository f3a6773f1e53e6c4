/** What loading a model costs in memory, at its highest. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { EncoderWeights } from '../../src/encoders/weights.ts';
import type { EncoderConfig } from '../../src/models/config.ts';
import { encoderWeightNames, toHuggingFace } from '../../src/models/names.ts';
import { predictFunction } from '../../src/models/outputs.ts';
import { weightShape } from '../../src/models/shapes.ts';
import { loadBackend } from '../../src/tensor/backend.ts';
import { compile } from '../../src/tensor/compile.ts';
import { encodeHeader } from '../../src/tensor/safetensors.ts';
import { testFolder } from '../helper.ts';

before(() => loadBackend({ device: 'cpu' }));

/** mBERT's, but for the table of words, which is not loaded. */
const config: EncoderConfig = { family: 'bert', layers: 12, hiddenSize: 768, heads: 12, feedForwardSize: 3072, vocabularySize: 8, positions: 512, typeVocabularySize: 2, layerNormEpsilon: 1e-12, padId: 0, firstPosition: 0 };
const sizeOf = (name: string): number => weightShape(config, name).reduce((a, b) => a * b, 1);

/** @returns float32 bytes of what `loadBody` loads */
function writeHalves(path: string): number {
  const names = encoderWeightNames(config);
  let end = 0;
  const header = Object.fromEntries(names.map((name) => [toHuggingFace('bert', name), { dtype: 'F16', shape: weightShape(config, name), data_offsets: [end, (end += 2 * sizeOf(name))] }]));
  const file = openSync(path, 'w');
  writeSync(file, encodeHeader(header));
  const one = 0x3c00;
  for (const name of names) writeSync(file, new Uint16Array(sizeOf(name)).fill(one));
  closeSync(file);
  return 4 * names.filter((name) => name !== 'embeddings.word').reduce((sum, name) => sum + sizeOf(name), 0);
}

/** kB of a line of /proc/self/status, as bytes. */
function memory(line: 'VmRSS' | 'VmHWM'): number {
  return 1024 * Number(new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

test('loading mBERT’s shape from half precision takes at most 1.3 times its float32 size', async (t) => {
  const directory = await testFolder(t);
  const bytes = writeHalves(join(directory, 'model.safetensors'));
  const weights = new EncoderWeights({ directory, config });
  compile({ variables: { w: { shape: [1], data: new Float32Array(1) } }, functions: {}, precision: 'float32' }).dispose(); // what TensorFlow takes once
  globalThis.gc?.();
  writeFileSync('/proc/self/clear_refs', '5'); // the highest so far is the present
  const start = memory('VmRSS');
  const predict = predictFunction(config, { rows: 1, length: 32 }, { hasHead: false, hasVectors: true, hasWordVariable: false });
  const program = compile({ variables: weights.loadBody(), functions: { predict }, precision: 'float32' });
  const taken = memory('VmHWM') - start;
  t.diagnostic(`${(taken / bytes).toFixed(2)} times ${(bytes / 1e6).toFixed(0)} MB`);
  program.dispose();
  weights.close();
  assert.ok(taken < 1.3 * bytes, `${taken} bytes for ${bytes}`);
});
