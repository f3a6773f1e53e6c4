/** Rows as the contract shows them. */
import { prf, type Counts } from '../scoring/ner.ts';
import { accuracy } from '../scoring/pairs.ts';
import { binsOf } from '../scoring/alpha-bins.ts';
import type { Manifest } from '../checkpoints/manifest.ts';
import type { Checkpoint } from '../schemas/checkpoint.ts';
import type { Dataset } from '../schemas/dataset.ts';
import type { Experiment } from '../schemas/experiment.ts';
import type { Model, ModelEntry } from '../schemas/model.ts';
import type { Metric, Score, ScoreVariant } from '../schemas/result.ts';
import type { Run } from '../schemas/run.ts';
import type { CheckpointRecord } from '../store/checkpoints.ts';
import type { DatasetRecord } from '../store/datasets.ts';
import type { ExperimentRecord } from '../store/experiments.ts';
import type { MetricRecord } from '../store/metrics.ts';
import type { ModelHistoryRecord, ModelRecord } from '../store/models.ts';
import type { RunRecord } from '../store/runs.ts';
import type { DetailedVariant, ScoreRecord, VariantRecord } from '../store/scores.ts';
import { TERMINAL } from '../store/statuses.ts';

export function presentDataset({ createdAt, deletedAt: _, storageKey: __, ...dataset }: DatasetRecord): Dataset {
  return { ...dataset, createdAt: createdAt.toISOString() };
}

export function presentExperiment({ createdAt, deletedAt: _, ...experiment }: ExperimentRecord): Experiment {
  return { ...experiment, createdAt: createdAt.toISOString() };
}

export function presentRun(run: RunRecord): Run {
  const datasets: Record<string, string[]> = {};
  for (const { role, dataset } of run.datasets) (datasets[role] ??= []).push(dataset.datasetId);
  const teachers: Record<string, string[]> = {};
  for (const { role, checkpointId, teacherRunId } of run.teachers) (teachers[`${role}s`] ??= []).push(checkpointId ?? teacherRunId);
  const { runId, kind, status, experimentId, name, options, seed, priority, tags, attempt, device, backend, worker, versions } = run;
  const { step, steps, epoch, loss, piecesPerSecond, etaSeconds } = run;
  return {
    runId,
    kind,
    status,
    terminal: TERMINAL.includes(status),
    experimentId,
    experiment: run.experimentName,
    name,
    encoder: run.encoderId,
    datasets,
    teachers,
    requested: run.requested as Record<string, unknown>,
    options,
    seed,
    priority,
    tags,
    attempt,
    device,
    backend,
    worker,
    progress: { step, steps, epoch: finite(epoch) ?? 0, loss: finite(loss), piecesPerSecond: finite(piecesPerSecond), etaSeconds: finite(etaSeconds) },
    transitions: run.transitions.map(({ status, at, reason }) => ({ status, at: at.toISOString(), ...(reason !== null && { reason }) })),
    failure: run.failureCode === null ? null : { code: run.failureCode, detail: run.failureDetail ?? '' },
    versions,
    createdAt: run.createdAt.toISOString(),
    startedAt: run.startedAt?.toISOString() ?? null,
    endedAt: run.endedAt?.toISOString() ?? null,
  };
}

/** Rows of labels gathered to one item a dataset; F1 is derived here and nowhere stored. */
export function presentScores(rows: readonly ScoreRecord[], variants: readonly (VariantRecord | DetailedVariant)[] = []): Score[] {
  return rows
    .filter(({ label }) => label === '')
    .map((all) => {
      const labels = rows.filter(({ runId, datasetId, label }) => runId === all.runId && datasetId === all.datasetId && label !== '');
      const { datasetId, language, split, sentences, words, checkpointId, selection, scorer, decoding, ciLow, ciHigh, tn } = all;
      return {
        datasetId,
        language,
        split,
        ...counted(all),
        ...(tn !== null && { accuracy: accuracy({ ...all, tn }) }),
        sentences,
        words,
        labels: Object.fromEntries(labels.map((row) => [row.label, counted(row)])),
        ci95: ciLow === null || ciHigh === null ? null : [ciLow, ciHigh],
        checkpointId,
        selection,
        scorer,
        decoding,
        variants: variants.filter((variant) => variant.runId === all.runId && variant.datasetId === datasetId).map(presentVariant),
      };
    });
}

function presentVariant(variant: VariantRecord | DetailedVariant): ScoreVariant {
  const { selection, decoding, checkpointId } = variant;
  return { selection, decoding, checkpointId, ...counted(variant), ...('sentenceCounts' in variant && { sentenceCounts: variant.sentenceCounts, alphaBins: binsOf(variant.alphaBins) }) };
}

export function presentCheckpoint({ checkpointId, runId, step, isBest, isLast, digest, sizeBytes, manifest: stored, createdAt }: CheckpointRecord): Checkpoint {
  const manifest = stored as Record<string, unknown> & Pick<Manifest, 'selections'>;
  return { checkpointId, runId, step, isBest, isLast, selections: [...(manifest.selections ?? [])], digest, sizeBytes, manifest, createdAt: createdAt.toISOString() };
}

export function presentMetric({ name, step, value, language, split, at }: MetricRecord): Metric {
  return { name, step, value: finite(value), language: language === '' ? null : language, split: split === '' ? null : split, at: at.toISOString() };
}

export function presentModelEntry({ alias, checkpointId, runId, encoderId, updatedAt }: ModelRecord): ModelEntry {
  return { alias, checkpointId, runId, encoder: encoderId, updatedAt: updatedAt.toISOString() };
}

export function presentModel({ history, ...record }: ModelRecord & { history: readonly ModelHistoryRecord[] }): Model {
  return { ...presentModelEntry(record), history: history.map(({ checkpointId, at }) => ({ checkpointId, at: at.toISOString() })) };
}

/** NaN and infinities are never sent. */
function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}

function counted({ tp, fp, fn }: Counts): Counts & { precision: number; recall: number; f1: number } {
  return { ...prf({ tp, fp, fn }), tp, fp, fn };
}
