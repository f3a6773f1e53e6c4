/** One run in this process, on real Postgres: training is a fake whose weights are the step that they are of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pino from 'pino';
import type { Recognizer } from '../../src/inference/recognizer.ts';
import type { Engine } from '../../src/runs/attempt.ts';
import { checkpointDownloads } from '../../src/runs/downloads.ts';
import { execute } from '../../src/runs/execute.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { listCheckpoints } from '../../src/store/checkpoints.ts';
import { listEstimates } from '../../src/store/estimates.ts';
import { listEvents } from '../../src/store/events.ts';
import { listMetrics } from '../../src/store/metrics.ts';
import { beginAttempt } from '../../src/store/runs.ts';
import { listScores, listVariants } from '../../src/store/scores.ts';
import { labelSet } from '../../src/text/label-set.ts';
import type { Choice, Selection, TrainingRequest } from '../../src/training/request.ts';
import { world, type World } from './fixtures/world.ts';

interface Faked {
  readonly engine: Engine;
  /** Steps whose weights the test sets and raw text were read with, one a call. */
  readonly recognizedWith: number[];
}

const SELECTIONS = ['source-dev', 'target-dev', 'last'] as const;

/** A recognizer by which every word of step 1 is O, of any other the beginning of the first label. */
function fakeOf(steps: Readonly<Partial<Record<Selection, number>>>, own: Selection, onTrained: () => void = () => undefined): Faked {
  const choices = SELECTIONS.flatMap((selection): Choice[] => (steps[selection] === undefined ? [] : [{ selection, step: steps[selection] }]));
  const stepOf = (selection: Selection): number => choices.find((choice) => choice.selection === selection)?.step ?? assert.fail();
  const recognizedWith: number[] = [];
  let now = stepOf(own);
  async function* train({ encoder, options, train: corpora, dev }: TrainingRequest): ReturnType<Engine['train']> {
    const labels = labelSet(corpora.flatMap((corpus) => corpus.labels));
    const facts = { config: encoder.config, labels: labels.labels, tags: labels.tags, tokenizerDigest: encoder.tokenizerDigest, wordPiece: options.wordPiece, maxPieces: options.maxPieces };
    const weightsOf = (step: number) => ({
      'head.weight': { shape: [labels.tags.length, encoder.config.hiddenSize], data: new Float32Array(labels.tags.length * encoder.config.hiddenSize).fill(step) },
      'head.bias': { shape: [labels.tags.length], data: new Float32Array(labels.tags.length) },
    });
    const rows = dev.map(({ datasetId, language, split }) => ({ datasetId, language, split, name: 'f1', value: 0.25 }));
    const judgements = choices.flatMap(({ selection }) => (selection === 'last' ? [] : [{ selection, value: 0.25, isBest: selection === own }]));
    yield { type: 'dev', step: 1, epoch: 1, name: 'f1', value: own === 'last' ? null : 0.25, isBest: own !== 'last', judgements, rows };
    for (const step of new Set(choices.map((choice) => choice.step))) {
      const selections = choices.filter((choice) => choice.step === step).map(({ selection }) => selection);
      yield { type: 'checkpoint', step, isBest: selections.includes(own), isLast: step === steps.last, selections, scores: {}, calibration: selections.includes('source-dev') ? { temperature: 1.25, errorBefore: 0.03, errorAfter: 0.01, words: 80 } : null, tensors: weightsOf(step), facts };
    }
    onTrained();
    const recognizer: Recognizer = {
      labels,
      recognize: (sentences) => {
        recognizedWith.push(now);
        const tag = now === 1 ? 0 : 1;
        const width = labels.tags.length;
        const probsOf = (words: number): Float32Array => Float32Array.from({ length: words * width }, (_, index) => (index % width === tag ? 0.9 : 0.1 / (width - 1)));
        return Promise.resolve(sentences.map((words) => ({ probs: probsOf(words.length), pieces: words.length, windows: 1 })));
      },
      dispose: () => undefined,
    };
    return { recognizer, evaluator: null, selection: own, choices, use: (selection) => void (now = stepOf(selection)), dispose: () => undefined };
  }
  const engine: Engine = {
    start: () => Promise.resolve({ device: 'cpu', isGpu: false, backend: 'fake', libtensorflow: '0.0.0', kernels: 'composed' as const }),
    train,
    open: () => Promise.reject(new Error('a recognizer has no teacher')),
  };
  return { engine, recognizedWith };
}

async function executed({ service, store, config, storage, datasets }: World, engine: Engine, watched: Storage = storage): Promise<string> {
  const { train, dev, devEs, test: en, testEs, rawEs } = datasets;
  const { runId } = await service.submit({ kind: 'recognizer', datasets: { train: [train], dev: [dev, devEs], test: [en, testEs], unlabeled: [rawEs] } });
  const { attempt } = (await beginAttempt(store, { runId, worker: 'w', device: 'cpu' })) ?? assert.fail();
  const { signal } = new AbortController();
  const outcome = await execute({ store, storage: watched, config: { ...config, resumeSeconds: 60 }, engine, log: pino({ level: 'silent' }), versions: {}, task: { runId, attempt, device: 'cpu' }, signal });
  assert.deepEqual(outcome, { status: 'succeeded' });
  return runId;
}

test('every step that a protocol chose is saved and scored, its own choice last', async (t) => {
  const all = await world(t);
  const { store, storage, config, datasets } = all;
  const { engine, recognizedWith } = fakeOf({ 'source-dev': 2, 'target-dev': 1, last: 3 }, 'source-dev');
  const runId = await executed(all, engine);
  const checkpoints = await listCheckpoints(store, runId);
  assert.deepEqual(checkpoints.map(({ step, isBest, isLast, manifest }) => [step, isBest, isLast, (manifest as { selections?: unknown }).selections]), [
    [1, false, false, ['target-dev']],
    [2, true, false, ['source-dev']],
    [3, false, true, ['last']],
  ]);
  assert.deepEqual(checkpoints.map(({ manifest }) => (manifest as { temperature?: number }).temperature), [undefined, 1.25, undefined]);
  const stepOf = (checkpointId: string): number | undefined => checkpoints.find((each) => each.checkpointId === checkpointId)?.step;
  const rows = await listScores(store, [runId]);
  assert.deepEqual(new Set(rows.map(({ selection, checkpointId }) => `${selection} of step ${stepOf(checkpointId)}`)), new Set(['source-dev of step 2']));
  const variants = (await listVariants(store, await listScores(store, [runId]))).filter(({ datasetId }) => datasetId === datasets.testEs);
  // of three entities, one of which is a word that begins a LOC, and four other words
  assert.deepEqual(variants.map(({ selection, decoding, checkpointId, tp, fp, fn }) => [selection, decoding, stepOf(checkpointId), tp, fp, fn]), [
    ['last', 'argmax', 3, 1, 6, 2],
    ['last', 'viterbi', 3, 1, 6, 2],
    ['source-dev', 'argmax', 2, 1, 6, 2],
    ['source-dev', 'viterbi', 2, 1, 6, 2],
    ['target-dev', 'argmax', 1, 0, 0, 3],
    ['target-dev', 'viterbi', 1, 0, 0, 3],
  ]);
  // two test sets with each; then clean, noisy and raw text for the estimate
  assert.deepEqual([recognizedWith.slice(0, 6), [...new Set(recognizedWith.slice(6))]], [[1, 1, 3, 3, 2, 2], [2]]);
  assert.deepEqual((await listEstimates(store, runId)).map(({ language, checkpointId }) => [language, stepOf(checkpointId)]), [['es', 2]]);
  const told = (await listEvents(store, runId, { limit: 200 })).filter(({ type }) => type === 'score').map(({ message }) => message);
  assert.deepEqual(told.filter((message) => message.includes(' es ')), ['F1 on es test is 0.0000 by target-dev', 'F1 on es test is 0.2000 by last', 'F1 on es test is 0.2000 by source-dev']);
  const kept = (await listEvents(store, runId, { limit: 200 })).filter(({ type }) => type === 'checkpoint').map(({ message }) => message);
  assert.ok(kept.includes('the best checkpoint is of step 2, chosen by source-dev; its temperature is 1.250: expected calibration error 0.0300 before and 0.0100 after, on 80 dev words'), kept.join('\n'));
  const cardOf = async (step: number): Promise<string> => {
    const { checkpointId } = checkpoints.find((each) => each.step === step) ?? assert.fail();
    const download = await checkpointDownloads({ store, storage, config }).open(checkpointId, 'hf');
    return Buffer.concat(await download.stream({ start: 512, end: 4_000 }).toArray()).toString();
  };
  assert.match(await cardOf(1), /Protocol `target-dev`: [^]+\| es test \| es \| test \| 0\.00 \| 0\.00 \| 0\.00 \| 0\.00 to 0\.00 \| 0 \| 0 \| 3 \| 2 \| 7 \|/);
  assert.match(await cardOf(3), /Protocol `last`: [^]+\| es test \| es \| test \| 14\.29 \| 33\.33 \| 20\.00 \| \d+\.\d+ to \d+\.\d+ \| 1 \| 6 \| 2 \| 2 \| 7 \|/);
});

test('a step that several protocols chose is saved and scored once, and gives rows for each', async (t) => {
  const all = await world(t);
  const { store } = all;
  const { engine, recognizedWith } = fakeOf({ 'source-dev': 1, 'target-dev': 2, last: 2 }, 'target-dev');
  const runId = await executed(all, engine);
  const checkpoints = await listCheckpoints(store, runId);
  assert.deepEqual(checkpoints.map(({ step, isBest, isLast }) => [step, isBest, isLast]), [[1, false, false], [2, true, true]]);
  assert.deepEqual(recognizedWith.slice(0, 4), [1, 1, 2, 2]);
  const [first, second] = checkpoints.map(({ checkpointId }) => checkpointId);
  const named = new Set((await listVariants(store, await listScores(store, [runId]))).map(({ selection, checkpointId }) => `${selection} ${checkpointId}`));
  assert.deepEqual(named, new Set([`last ${second}`, `source-dev ${first}`, `target-dev ${second}`]));
  assert.deepEqual(new Set((await listScores(store, [runId])).map(({ selection, checkpointId }) => `${selection} ${checkpointId}`)), new Set([`target-dev ${second}`]));
});

test('a dev score says what each protocol makes of it, and where none chooses there is no figure of all', async (t) => {
  const all = await world(t);
  const toldOf = async (steps: Parameters<typeof fakeOf>[0], own: Selection): Promise<unknown[]> => {
    const runId = await executed(all, fakeOf(steps, own).engine);
    const told = (await listEvents(all.store, runId, { limit: 200 })).filter(({ type }) => type === 'metric').map(({ message }) => message);
    return [...told, (await listMetrics(all.store, runId, { name: 'f1' })).map(({ language }) => language)];
  };
  assert.deepEqual(await toldOf({ 'source-dev': 1, 'target-dev': 2, last: 2 }, 'source-dev'), ['f1 on dev after step 1: 0.2500 by source-dev, the best so far; 0.2500 by target-dev', ['', 'en', 'es']]);
  assert.deepEqual(await toldOf({ last: 2 }, 'last'), ['f1 on dev after step 1: 0.2500 on en, which chooses nothing; 0.2500 on es, which chooses nothing', ['en', 'es']]);
});

test('no test set is read before the end of training', async (t) => {
  const all = await world(t);
  const { storage, store, datasets } = all;
  const tests = await store.dataset.findMany({ where: { datasetId: { in: [datasets.test, datasets.testEs] } } });
  const keys = new Set(tests.map(({ storageKey }) => storageKey));
  const read: string[] = [];
  const watched: Storage = { ...storage, read: (key, range) => (read.push(key), storage.read(key, range)) };
  let before: readonly string[] = [];
  const { engine } = fakeOf({ last: 1 }, 'last', () => (before = [...read]));
  await executed(all, engine, watched);
  assert.ok(before.length > 0);
  assert.deepEqual([before.filter((key) => keys.has(key)), read.filter((key) => keys.has(key)).length], [[], 2]);
});
