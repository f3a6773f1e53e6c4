/** Finds the rows that an exported checkpoint is made of. */
import type { CardScore } from '../checkpoints/card.ts';
import { createDownloads, type CheckpointDownloads } from '../checkpoints/download.ts';
import type { ExportParts } from '../checkpoints/export.ts';
import { parseManifest } from '../checkpoints/manifest.ts';
import type { Config } from '../config.ts';
import { findEncoder } from '../encoders/registry.ts';
import { fail } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';
import { findCheckpoint } from '../store/checkpoints.ts';
import { listDetailedVariants, listScores, type DetailedVariant, type ScoreRecord } from '../store/scores.ts';
import type { Store } from '../store/store.ts';
import { lineageOf } from './lineage.ts';
import { intervalOf } from './score.ts';

interface Place {
  readonly store: Store;
  readonly config: Pick<Config, 'encodersDir'>;
}

export function checkpointDownloads({ storage, ...place }: Place & { readonly storage: Storage }): CheckpointDownloads {
  return createDownloads(storage, (checkpointId) => exportParts(place, checkpointId));
}

/** @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_INVALID, ENCODER_NOT_FOUND */
export async function exportParts({ store, config }: Place, checkpointId: string): Promise<ExportParts> {
  const checkpoint = await findCheckpoint(store, checkpointId);
  if (checkpoint === null) throw fail('CHECKPOINT_NOT_FOUND', { checkpointId });
  const manifest = parseManifest(checkpoint.manifest);
  const encoder = await findEncoder(config.encodersDir, manifest.encoder.encoderId);
  const { corpora, teachers, nameOf } = await lineageOf(store, checkpoint.runId);
  const rows = (await listScores(store, [checkpoint.runId])).filter(({ label }) => label === '');
  const variants = (await listDetailedVariants(store, rows)).filter((variant) => variant.checkpointId === checkpointId);
  return {
    storageKey: checkpoint.storageKey,
    manifest,
    encoder,
    card: {
      corpora,
      teachers,
      scores: rows.flatMap((row) => scoresOf(row, { checkpointId, variants }).map((score) => ({ name: nameOf(row.datasetId), ...score }))),
    },
  };
}

/** What a checkpoint has on a dataset: the run's own row, or where another protocol chose the checkpoint the counts by the run's decoding. */
function scoresOf(row: ScoreRecord, { checkpointId, variants }: { checkpointId: string; variants: readonly DetailedVariant[] }): Omit<CardScore, 'name'>[] {
  const { language, split, sentences, words, decoding, ciLow, ciHigh } = row;
  const mine = variants.filter((variant) => variant.datasetId === row.datasetId && variant.decoding === decoding);
  const [first] = mine;
  const isOwn = row.checkpointId === checkpointId;
  const counted = isOwn ? row : first;
  if (counted === undefined) return [];
  const { tp, fp, fn } = counted;
  const own: [number, number] | null = ciLow === null || ciHigh === null ? null : [ciLow, ciHigh];
  const ci95 = isOwn ? own : intervalOf(first?.sentenceCounts ?? []);
  const selections = first === undefined ? [row.selection] : mine.map(({ selection }) => selection);
  return [{ language, split, tp, fp, fn, sentences, words, ci95, selections, decoding }];
}
