/** Finds the rows that a download of a checkpoint is made of. */
import { createDownloads, type CheckpointDownloads, type DownloadParts } from '../checkpoints/download.ts';
import { parseManifest } from '../checkpoints/manifest.ts';
import type { Config } from '../config.ts';
import { findEncoder } from '../encoders/registry.ts';
import { fail } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';
import { findCheckpoint } from '../store/checkpoints.ts';
import { findRun } from '../store/runs.ts';
import { listScores } from '../store/scores.ts';
import type { Store } from '../store/store.ts';

export function checkpointDownloads(o: { store: Store; storage: Storage; config: Pick<Config, 'encodersDir'> }): CheckpointDownloads {
  return createDownloads(o.storage, (checkpointId) => partsOf(o, checkpointId));
}

async function partsOf({ store, config }: { store: Store; config: Pick<Config, 'encodersDir'> }, checkpointId: string): Promise<DownloadParts> {
  const checkpoint = await findCheckpoint(store, checkpointId);
  if (checkpoint === null) throw fail('CHECKPOINT_NOT_FOUND', { checkpointId });
  const manifest = parseManifest(checkpoint.manifest);
  const encoder = await findEncoder(config.encodersDir, manifest.encoder.encoderId);
  const run = await findRun(store, checkpoint.runId);
  const datasets = run?.datasets ?? [];
  const nameOf = (datasetId: string): string => datasets.find(({ dataset }) => dataset.datasetId === datasetId)?.dataset.name ?? datasetId;
  const scores = (await listScores(store, [checkpoint.runId])).filter((score) => score.label === '' && score.checkpointId === checkpointId);
  return {
    storageKey: checkpoint.storageKey,
    manifest,
    encoder,
    card: {
      corpora: datasets.map(({ role, dataset: { name, language, sentences, digest } }) => ({ role, name, language, sentences, digest })),
      scores: scores.map(({ datasetId, language, split, tp, fp, fn, sentences, words, ciLow, ciHigh, selection, decoding }) => ({
        name: nameOf(datasetId),
        language,
        split,
        tp,
        fp,
        fn,
        sentences,
        words,
        ci95: ciLow === null || ciHigh === null ? null : [ciLow, ciHigh],
        selection,
        decoding,
      })),
    },
  };
}
