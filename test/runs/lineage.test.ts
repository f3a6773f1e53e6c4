/** A card of a run whose teachers are gone: what they were trained on is still in the weights. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelCard } from '../../src/checkpoints/card.ts';
import { findEncoder } from '../../src/encoders/registry.ts';
import { exportParts } from '../../src/runs/downloads.ts';
import type { RequestedOptions } from '../../src/schemas/options.ts';
import { deleteDataset } from '../../src/store/datasets.ts';
import { deleteRun, type RunKind } from '../../src/store/runs.ts';
import type { Selection } from '../../src/training/request.ts';
import { manifestOf } from '../checkpoints/world.ts';
import { ENCODER, world, type World } from './fixtures/world.ts';

interface Family {
  readonly recognizer: string;
  readonly evaluator: string;
  readonly first: string;
  /** Its recognizer is the first student. */
  readonly second: string;
}

test('a student of a student names all corpora of the chain, of deleted runs and datasets too, and their languages', async (t) => {
  const all = await world(t);
  const { store, datasets } = all;
  const { recognizer, evaluator, first, second } = await family(all);
  for (const runId of [first, recognizer, evaluator]) await deleteRun(store, runId);
  await deleteDataset(store, datasets.train);
  await addCheckpoint(all, { checkpointId: 'ckpt_first', runId: first, kind: 'student', selections: ['target-dev'] });
  const card = await cardOf(all, second, 'student');
  assert.deepEqual(rowsOf(card), [
    ['en train', 'train of the recognizer’s recognizer', 'en'],
    ['en dev', 'dev of the recognizer’s recognizer', 'en'],
    ['en pairs', 'train of the recognizer’s evaluator', 'en'],
    ['zh raw', 'unlabeled of the recognizer', 'zh'],
    ['en pairs', 'train of the evaluator', 'en'],
    ['es test', 'test', 'es'],
    ['es raw', 'unlabeled', 'es'],
  ]);
  assert.match(card, /^language:\n- "en"\n- "es"\n- "zh"\ntags:/m);
  assert.match(card, /Languages other than en, es, zh were neither trained nor measured/);
  assert.match(card, /No labels of es, zh were trained on/);
  assert.match(card, new RegExp(`Tags: those of the recognizer \`${first}\` \\(itself a student: a further round of distillation; its checkpoint by \`target-dev\`\\)\\.`));
  assert.match(card, new RegExp(`Word similarities: those of the evaluator \`${evaluator}\`\\.`));
});

test('an evaluator that no option asks has taught nothing', async (t) => {
  const all = await world(t);
  const { second } = await family(all, { similarityWeight: 0, gamma: false, neighbourShare: 0 });
  const card = await cardOf(all, second, 'student');
  assert.deepEqual(rowsOf(card).filter(([name]) => name === 'en pairs').map(([, role]) => role), ['train of the recognizer’s evaluator']);
  assert.match(card, /No evaluator was asked/);
});

test('teachers that share a corpus name it once, and text of estimates is not what a teacher was trained on', async (t) => {
  const all = await world(t);
  const { service, datasets } = all;
  const taught = { train: [datasets.train], unlabeled: [datasets.rawZh] };
  const recognizers = [1, 2].map(async (seed) => (await service.submit({ kind: 'recognizer', seed, datasets: taught })).runId);
  const [one = '', two = ''] = await Promise.all(recognizers);
  const { runId: evaluator } = await service.submit({ kind: 'evaluator', datasets: { train: [datasets.train] } });
  const { runId } = await service.submit({ kind: 'student', datasets: { unlabeled: [datasets.rawEs] }, teachers: { recognizers: [one, two], evaluators: [evaluator] } });
  const card = await cardOf(all, runId, 'student');
  assert.deepEqual(rowsOf(card), [['en train', 'train of the recognizer', 'en'], ['en train', 'train of the evaluator', 'en'], ['es raw', 'unlabeled', 'es']]);
  assert.match(card, new RegExp(`the mean distributions of 2 recognizers: \`${one}\`, \`${two}\``));
  assert.deepEqual(rowsOf(await cardOf(all, one, 'recognizer')), [['en train', 'train', 'en'], ['zh raw', 'estimates without gold tags', 'zh']]);
});

/** All of them ended. @param options of the second student */
async function family({ service, store, datasets }: World, options: RequestedOptions = {}): Promise<Family> {
  const { runId: recognizer } = await service.submit({ kind: 'recognizer', datasets: { train: [datasets.train], dev: [datasets.dev], test: [datasets.test] } });
  const { runId: evaluator } = await service.submit({ kind: 'evaluator', datasets: { train: [datasets.pairs] } });
  const { runId: first } = await service.submit({ kind: 'student', datasets: { unlabeled: [datasets.rawZh] }, teachers: { recognizers: [recognizer], evaluators: [evaluator] } });
  const { runId: second } = await service.submit({ kind: 'student', datasets: { unlabeled: [datasets.rawEs], test: [datasets.testEs] }, teachers: { recognizers: [first], evaluators: [evaluator] }, options });
  await store.run.updateMany({ data: { status: 'cancelled' } });
  return { recognizer, evaluator, first, second };
}

async function cardOf(all: World, runId: string, kind: RunKind): Promise<string> {
  const checkpointId = `ckpt_${runId}`;
  await addCheckpoint(all, { checkpointId, runId, kind, selections: ['last'] });
  const parts = await exportParts(all, checkpointId);
  return modelCard({ manifest: parts.manifest, encoder: parts.encoder, format: 'hf', ...parts.card });
}

async function addCheckpoint({ store, config }: World, { checkpointId, runId, kind, selections }: { checkpointId: string; runId: string; kind: RunKind; selections: Selection[] }): Promise<void> {
  const encoder = await findEncoder(config.encodersDir, ENCODER);
  const { options } = await store.run.findUniqueOrThrow({ where: { runId } });
  const manifest = { ...manifestOf(encoder), format: 'mtmt-checkpoint/1', tensors: [], weightsDigest: '', kind, options, runId, selections };
  await store.checkpoint.create({ data: { checkpointId, runId, step: 1, isBest: true, isLast: true, digest: 'sha256:0', sizeBytes: 1n, storageKey: 'none', manifest: JSON.parse(JSON.stringify(manifest)) as object } });
}

/** Name, use and language of each corpus. */
function rowsOf(card: string): string[][] {
  const table = card.split('\n## Data\n')[1]?.split('\n## ')[0] ?? assert.fail();
  return table.trim().split('\n').slice(2).map((row) => row.split(' | ').map((cell) => cell.replace(/^\| /, '')).slice(0, 3));
}
