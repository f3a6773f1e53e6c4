/** Rows as tests of the store need them. */
import { findOrCreateExperiment } from '../../src/store/experiments.ts';
import { newId } from '../../src/store/ids.ts';
import type { NewRun } from '../../src/store/runs.ts';
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

export const datasetOf = (name: string) =>
  ({ name, kind: 'labeled', language: 'en', split: 'train', format: 'conll', tagScheme: 'IOB2', labels: ['PER'], sentences: 1, words: 2, entities: { PER: 1 }, pairs: 0, digest: 'sha256:1', sizeBytes: 10, warnings: [], storageKey: 'k' }) as const;
