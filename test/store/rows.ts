/** Rows as tests of the store need them. */
import assert from 'node:assert/strict';
import { createCheckpoint } from '../../src/store/checkpoints.ts';
import { findOrCreateExperiment } from '../../src/store/experiments.ts';
import { newId } from '../../src/store/ids.ts';
import { beginAttempt, createRuns, type NewRun } from '../../src/store/runs.ts';
import type { Store } from '../../src/store/store.ts';
import { resolveOptions } from '../../src/training/options.ts';

export async function newRun(store: Store, change: Partial<NewRun> = {}): Promise<NewRun> {
  const { experimentId } = await findOrCreateExperiment(store, 'default');
  return {
    runId: newId('run'),
    experimentId,
    kind: 'recognizer',
    status: 'queued',
    name: 'recognizer',
    encoderId: 'tiny',
    encoderDigest: 'sha256:0',
    requested: {},
    options: resolveOptions('recognizer', {}),
    seed: 1,
    priority: 0,
    tags: {},
    datasets: [],
    teachers: [],
    ...change,
  };
}

/** A run in its first attempt, with a checkpoint. */
export async function runningRun(store: Store): Promise<{ runId: string; attempt: number; checkpointId: string }> {
  const run = await newRun(store);
  await createRuns(store, [run]);
  const { runId } = run;
  const { attempt } = (await beginAttempt(store, { runId, worker: 'w', device: 'cpu' })) ?? assert.fail();
  const checkpointId = newId('ckpt');
  await createCheckpoint(store, { checkpointId, runId, attempt, step: 1, isBest: true, isLast: true, digest: 'sha256:0', sizeBytes: 1, storageKey: 'x', manifest: {} });
  return { runId, attempt, checkpointId };
}

export const datasetOf = (name: string) =>
  ({ name, kind: 'labeled', language: 'en', split: 'train', format: 'conll', tagScheme: 'IOB2', labels: ['PER'], sentences: 1, words: 2, entities: { PER: 1 }, pairs: 0, digest: 'sha256:1', sizeBytes: 10, warnings: [], storageKey: 'k' }) as const;
