/** Runs of training so small that they take a second: three sentences, and an encoder of three layers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { LoadedCheckpoint } from '../../src/checkpoints/load.ts';
import type { Manifest } from '../../src/checkpoints/manifest.ts';
import type { Corpus } from '../../src/corpora/corpus.ts';
import { parseEncoderConfig } from '../../src/models/config.ts';
import { resolveOptions } from '../../src/training/options.ts';
import type { RunKind, TrainedModel, TrainingReport, TrainingRequest } from '../../src/training/request.ts';
import { train } from '../../src/training/train.ts';
import { testFolder, type Cleaner } from '../helper.ts';

const directory = new URL('../fixtures/encoders/tiny-bert/', import.meta.url).pathname;
const config = parseEncoderConfig(JSON.parse(readFileSync(`${directory}config.json`, 'utf8')));
export const encoder = { encoderId: 'tiny-bert', directory, source: 'test', license: 'test', digest: 'sha256:test', sizeBytes: 0, config, tokenizerDigest: 'sha256:test' };
export const corpus: Corpus = {
  datasetId: 'ds_test',
  language: 'en',
  split: 'train',
  labels: ['LOC', 'PER'],
  digest: 'sha256:test',
  sentences: [
    { tokens: ['Anna', 'Keller', 'moved', 'to', 'Ulm', '.'], tags: ['B-PER', 'I-PER', 'O', 'O', 'B-LOC', 'O'] },
    { tokens: ['Bern', 'is', 'cold', '.'], tags: ['B-LOC', 'O', 'O', 'O'] },
    { tokens: ['Nobody', 'came', '.'], tags: ['O', 'O', 'O'] },
  ],
};

/** Pieces of a sentence and of a batch, at most. */
export const SIZES = { maxPieces: 32, batchPieces: 64 } as const;

export async function run(t: Cleaner, options: object, change: Partial<TrainingRequest> = {}, onReport: (report: TrainingReport) => void = () => undefined): Promise<{ model: TrainedModel; reports: TrainingReport[] }> {
  const request: TrainingRequest = {
    kind: 'recognizer',
    encoder,
    options: resolveOptions('recognizer', { ...SIZES, ...options }),
    seed: 1,
    train: [corpus],
    dev: [],
    unlabeled: [],
    pairs: { train: [], dev: [] },
    teachers: { recognizers: [], evaluators: [] },
    cacheDir: await testFolder(t),
    signal: new AbortController().signal,
    clock: () => 0,
    ...change,
  };
  const training = train(request);
  const reports: TrainingReport[] = [];
  for (;;) {
    const { done, value } = await training.next();
    if (done === true) {
      t.after(() => value.dispose());
      return { model: value, reports };
    }
    reports.push(value);
    onReport(value);
  }
}

/** A checkpoint as a student's run loads it, without storage between. */
export function loaded(kind: RunKind, reports: readonly TrainingReport[], options: object): LoadedCheckpoint {
  const report = reports.find((each) => each.type === 'checkpoint') ?? assert.fail('no checkpoint');
  const manifest: Manifest = {
    format: 'mtmt-checkpoint/1',
    checkpointId: `ckpt_${kind}`,
    runId: 'run_1',
    kind,
    step: report.step,
    encoder: { encoderId: encoder.encoderId, digest: encoder.digest, architecture: config.family },
    ...report.facts,
    tensors: Object.keys(report.tensors),
    seed: 1,
    options: resolveOptions(kind, options),
    scores: {},
    versions: {},
    createdAt: '2026-01-01T00:00:00Z',
    weightsDigest: `sha256:${kind}`,
  };
  return { manifest, tensors: report.tensors };
}
