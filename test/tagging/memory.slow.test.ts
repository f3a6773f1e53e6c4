/** Models of a real encoder in the memory of one process. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { OpenCheckpoint } from '../../src/checkpoints/load.ts';
import type { Manifest } from '../../src/checkpoints/manifest.ts';
import { memoryOf } from '../../src/cli/benchmark/serve/tagger-memory.ts';
import { findEncoder } from '../../src/encoders/registry.ts';
import { WORD_EMBEDDINGS } from '../../src/encoders/weights.ts';
import { encoderWeightNames } from '../../src/models/names.ts';
import { openEncoders, type OpenEncoder } from '../../src/tagging/encoders.ts';
import { loadTaggingModel } from '../../src/tagging/load.ts';
import type { TaggingModel } from '../../src/tagging/pool.ts';
import { sizeOfModel } from '../../src/tagging/size.ts';
import { giveBackMemory, loadBackend } from '../../src/tensor/backend.ts';
import { labelSet } from '../../src/text/label-set.ts';
import { testFolder } from '../helper.ts';

const LABELS = labelSet(['LOC', 'PER']);
const MODELS = 5;
const MB = 1e6;
/** A tagger with one model of e5-small, at most: 1.3 times the 236 MB that its encoder and 89 MB that its checkpoint take as stored, and 300 MB. */
const ALLOWED_BYTES = 1.3 * (235.6 + 89) * MB + 300 * MB;

test('Five models of one encoder hold its table once, none takes more than the budget counts for it, and all is given back', async (t) => {
  await loadBackend({ device: 'cpu', returnsMemory: true });
  const encodersDir = process.env['ENCODERS_DIR'] ?? join(process.env['CACHE_DIR'] ?? join(homedir(), '.cache', 'mtmt'), 'encoders');
  const encoders = openEncoders();
  t.after(() => encoders.close());
  const encoder = await findEncoder(encodersDir, 'multilingual-e5-small-q4');
  const open = await encoders.open(encoder);
  assert.equal(await encoders.open(encoder), open);
  const cacheDir = await testFolder(t);
  const models: TaggingModel[] = [];
  const held: number[] = [anonymousBytes()];
  for (let count = 0; count < MODELS; count++) {
    models.push(await loadTaggingModel({ checkpoint: checkpointOf(open), open, precision: 'bfloat16', cacheDir }));
    held.push(anonymousBytes());
  }
  for (const model of models) assert.equal((await model.recognizer.recognize([['Berlin', 'waits']]))[0]?.probs.length, 2 * LABELS.tags.length);
  const counted = sizeOfModel(encoder.config, { tags: LABELS.tags }, 'bfloat16');
  const added = held.slice(1).map((bytes, index) => bytes - (held[index] as number));
  t.diagnostic(`the first model added ${megabytes(added[0] as number)}, each other one ${added.slice(1).map(megabytes).join(', ')}; counted are ${megabytes(counted)}`);
  const each = ((held[MODELS] as number) - (held[1] as number)) / (MODELS - 1); // one alone may have garbage of JavaScript beside it
  assert.ok(each < 1.1 * counted && each > 0.5 * counted, `${each} bytes, counted are ${counted}`);
  for (const model of models.slice(1)) model.dispose();
  const alone = anonymousBytes();
  t.diagnostic(`with one model left ${megabytes(memoryNow().residentBytes)} are resident, ${megabytes(alone)} of them no file's`);
  assert.ok(alone < (held[1] as number) + 0.5 * counted, `${alone} bytes, ${held[1]} with the first model`);
  assert.ok(memoryNow().residentBytes < ALLOWED_BYTES);
  models[0]?.dispose();
});

/** The encoder's own weights as if a run had trained them all. */
function checkpointOf({ encoder, weights }: OpenEncoder): OpenCheckpoint {
  const { hiddenSize } = encoder.config;
  const count = LABELS.tags.length;
  const head = { 'head.weight': { shape: [count, hiddenSize], data: Float32Array.from({ length: count * hiddenSize }, (_, index) => Math.sin(index) / 20) }, 'head.bias': { shape: [count], data: new Float32Array(count) } };
  const body = weights.load(encoderWeightNames(encoder.config).filter((name) => name !== WORD_EMBEDDINGS));
  const manifest = { checkpointId: 'ckpt_1', runId: 'run_1', labels: LABELS.labels, tags: LABELS.tags, maxPieces: 128, wordPiece: 'first', options: { decoding: 'viterbi' } } as unknown as Manifest;
  return { manifest, tensors: { ...body, ...head }, close: () => undefined };
}

function anonymousBytes(): number {
  giveBackMemory();
  return memoryNow().anonymousBytes;
}

function memoryNow(): ReturnType<typeof memoryOf> {
  return memoryOf(readFileSync('/proc/self/status', 'utf8'));
}

function megabytes(bytes: number): string {
  return `${(bytes / MB).toFixed(0)} MB`;
}
