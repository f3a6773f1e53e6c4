/** A database and a storage whose artifacts can be made old. */
import assert from 'node:assert/strict';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { directoryStorage } from '../../../src/storage/directory.ts';
import type { Storage } from '../../../src/storage/storage.ts';
import { createCheckpoint } from '../../../src/store/checkpoints.ts';
import { createDataset } from '../../../src/store/datasets.ts';
import { newId } from '../../../src/store/ids.ts';
import { beginAttempt, createRuns, moveRun, type NewRun } from '../../../src/store/runs.ts';
import type { Store } from '../../../src/store/store.ts';
import { testFolder, testStore, type Cleaner } from '../../helper.ts';
import { datasetOf, newRun } from '../../store/rows.ts';
import { recordedOutput } from '../client/fixtures.ts';

export interface Place {
  readonly store: Store;
  readonly storage: Storage;
  readonly folder: string;
  readonly databaseUrl: string;
  readonly output: ReturnType<typeof recordedOutput>;
  /** As if all that is there had been written two hours ago. */
  age(): Promise<void>;
  dataset(name: string): Promise<{ datasetId: string; key: string }>;
  /** A run in its first attempt. */
  run(change?: Partial<NewRun>): Promise<{ runId: string; attempt: number }>;
  checkpoint(run: { runId: string; attempt: number }, o?: { content?: string; selections?: string[]; isBest?: boolean }): Promise<{ checkpointId: string; key: string }>;
  succeed(runId: string): Promise<void>;
}

export async function openPlace(t: Cleaner): Promise<Place> {
  const { store, databaseUrl } = await testStore(t);
  const folder = await testFolder(t);
  const storage = directoryStorage(folder);
  const age = async (): Promise<void> => {
    const then = new Date(Date.now() - 2 * 3_600_000);
    for await (const { key } of storage.list()) await utimes(join(folder, key), then, then);
  };
  return {
    store,
    storage,
    folder,
    databaseUrl,
    output: recordedOutput(),
    age,
    async dataset(name) {
      const { key, digest } = await storage.write('datasets', 'jsonl', [Buffer.from(name)]);
      const { dataset } = await createDataset(store, { ...datasetOf(name), digest, storageKey: key });
      return { datasetId: dataset.datasetId, key };
    },
    async run(change) {
      const run = await newRun(store, change);
      await createRuns(store, [run]);
      const { attempt } = (await beginAttempt(store, { runId: run.runId, worker: 'w', device: 'cpu' })) ?? assert.fail();
      return { runId: run.runId, attempt };
    },
    async checkpoint({ runId, attempt }, { content = runId, selections = ['source-dev'], isBest = true } = {}) {
      const { key, digest, sizeBytes } = await storage.write('checkpoints', 'safetensors', [Buffer.from(content)]);
      const checkpointId = newId('ckpt');
      assert.ok(await createCheckpoint(store, { checkpointId, runId, attempt, step: 1, isBest, isLast: isBest, digest, sizeBytes, storageKey: key, manifest: { selections } }));
      return { checkpointId, key };
    },
    async succeed(runId) {
      assert.ok(await moveRun(store, { runId, from: ['running'], to: 'succeeded' }));
    },
  };
}
