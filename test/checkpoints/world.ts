/** What tests of checkpoints share: a tiny encoder, a storage, and a checkpoint on it. */
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExportParts } from '../../src/checkpoints/export.ts';
import type { Manifest } from '../../src/checkpoints/manifest.ts';
import type { SavedCheckpoint } from '../../src/checkpoints/save.ts';
import { digestOfFile, type InstalledEncoder } from '../../src/encoders/registry.ts';
import { parseEncoderConfig } from '../../src/models/config.ts';
import { directoryStorage } from '../../src/storage/directory.ts';
import type { Storage } from '../../src/storage/storage.ts';
import type { NamedTensors } from '../../src/tensor/safetensors.ts';
import { resolveOptions } from '../../src/training/options.ts';
import { testFolder, type Cleaner } from '../helper.ts';

const FIXTURES = new URL('../fixtures/encoders/', import.meta.url).pathname;
export const TAGS = ['O', 'B-LOC', 'I-LOC'];

export async function setUp(t: Cleaner, fixture = 'tiny-bert'): Promise<{ storage: Storage; encoder: InstalledEncoder; directory: string }> {
  const directory = await testFolder(t);
  const folder = join(directory, 'encoder');
  await cp(join(FIXTURES, fixture), folder, { recursive: true });
  const encoder = {
    encoderId: fixture,
    directory: folder,
    source: 'a fixture',
    license: 'Apache-2.0',
    digest: await digestOfFile(join(folder, 'model.safetensors')),
    sizeBytes: 1,
    config: parseEncoderConfig(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))),
    tokenizerDigest: await digestOfFile(join(folder, 'tokenizer.json')),
  };
  return { storage: directoryStorage(join(directory, 'artifacts')), encoder, directory };
}

export function manifestOf(encoder: InstalledEncoder): Omit<Manifest, 'format' | 'tensors' | 'weightsDigest'> {
  return {
    checkpointId: 'ckpt_1',
    runId: 'run_1',
    kind: 'recognizer',
    step: 10,
    encoder: { encoderId: encoder.encoderId, digest: encoder.digest, architecture: encoder.config.family },
    config: encoder.config,
    labels: ['LOC'],
    tags: TAGS,
    tokenizerDigest: encoder.tokenizerDigest,
    wordPiece: 'first',
    maxPieces: 128,
    seed: 1,
    options: resolveOptions('recognizer', {}),
    scores: { f1: 0.5 },
    versions: { mtmt: '0.1.0' },
    createdAt: '2026-01-01T00:00:00.000Z',
  };
}

export function trainedOf({ config: { hiddenSize } }: InstalledEncoder): NamedTensors {
  return {
    'head.bias': { shape: [TAGS.length], data: Float32Array.of(1, 2, 3) },
    'head.weight': { shape: [TAGS.length, hiddenSize], data: Float32Array.from({ length: TAGS.length * hiddenSize }, (_, i) => i / 7) },
    'layers.0.query.bias': { shape: [hiddenSize], data: Float32Array.from({ length: hiddenSize }, (_, i) => -i) },
  };
}

export function partsOf(encoder: InstalledEncoder, { storageKey, manifest }: SavedCheckpoint): ExportParts {
  const score = { name: 'corpus one', language: 'es', split: 'test', tp: 3, fp: 1, fn: 2, sentences: 10, words: 90, ci95: [0.5, 0.8], selections: ['source-dev', 'last'], decoding: 'viterbi' } as const;
  const corpus = { name: 'corpus one', kind: 'labeled', role: 'test', language: 'es', sentences: 10, digest: 'sha256:0' } as const;
  return { storageKey, manifest, encoder, card: { corpora: [corpus], teachers: [], scores: [score] } };
}
