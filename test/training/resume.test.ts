/** Runs that are cut off and go on in another generator, of what would go through JSON and a file. */
import assert from 'node:assert/strict';
import { before, test, type TestContext } from 'node:test';
import type { Corpus } from '../../src/corpora/corpus.ts';
import type { RequestedOptions } from '../../src/schemas/options.ts';
import { loadBackend } from '../../src/tensor/backend.ts';
import { resolveOptions } from '../../src/training/options.ts';
import type { RunKind, TrainingReport, TrainingRequest } from '../../src/training/request.ts';
import type { ResumeState } from '../../src/training/resume.ts';
import { testFolder } from '../helper.ts';
import { corpus, loaded, run, SIZES } from './tiny-run.ts';

before(() => loadBackend({ device: 'cpu' }));

const en: Corpus = { ...corpus, datasetId: 'ds_en', split: 'dev' };
const es: Corpus = { ...en, datasetId: 'ds_es', language: 'es', digest: 'sha256:es', sentences: en.sentences.slice(1) };
const raw: Corpus = { ...corpus, language: 'es', digest: 'sha256:raw', sentences: [...corpus.sentences, ...corpus.sentences].map(({ tokens }) => ({ tokens })) };
const word = { left: { tokens: ['Ulm', 'is', 'cold'], word: 0 }, right: { tokens: ['Bern', 'came'], word: 0 } };
const uploaded = { train: [{ ...word, same: true }, { left: word.right, right: { tokens: ['Anna', 'moved'], word: 0 }, same: false }], dev: [{ ...word, same: true }] };

interface Case {
  readonly name: string;
  readonly kind: RunKind;
  readonly options?: RequestedOptions;
  readonly change?: Partial<TrainingRequest>;
}

const CASES: readonly Case[] = [
  { name: 'a recognizer with two protocols', kind: 'recognizer' },
  { name: 'a recognizer whose batches accumulate', kind: 'recognizer', options: { accumulation: 2, batchPieces: 32 } },
  { name: 'a recognizer whose batches are computed in parts', kind: 'recognizer', change: { parts: 2 } },
  { name: 'a recognizer with trained embeddings and a rate for each layer', kind: 'recognizer', options: { freezeEmbeddings: false, layerDecay: 0.8 } },
  { name: 'an evaluator', kind: 'evaluator' },
  { name: 'an evaluator of uploaded pairs', kind: 'evaluator', change: { pairs: uploaded } },
  { name: 'a teacher of both kinds', kind: 'teacher' },
  { name: 'a student', kind: 'student' },
  { name: 'a student of the article, with two heads', kind: 'student', options: { preset: 'article' } },
];

/** The whole of a run's request but what is random to it: teachers, folders. */
async function requestOf(t: TestContext, { kind, options = {}, change = {} }: Case): Promise<{ options: object; change: Partial<TrainingRequest> }> {
  const all: RequestedOptions = { ...SIZES, epochs: 6, evaluationsPerEpoch: 1, learningRate: 1e-2, schedule: 'linear', ...options };
  const cacheDir = await testFolder(t);
  const own = { kind, options: resolveOptions(kind, all), dev: [en, es], cacheDir, ...change };
  if (kind !== 'student') return { options: all, change: own };
  const teacher = await run(t, {}, { kind: 'teacher', options: resolveOptions('teacher', { ...SIZES, epochs: 3 }) });
  const checkpoint = loaded('teacher', teacher.reports, {});
  return { options: all, change: { ...own, train: [], unlabeled: [raw], teachers: { recognizers: [checkpoint], evaluators: [checkpoint] } } };
}

/** As a point comes back from storage. */
function copyOf({ tensors, bests, ...state }: ResumeState): ResumeState {
  const weights = (named: ResumeState['tensors']): ResumeState['tensors'] => Object.fromEntries(Object.entries(named).map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]));
  const rest = JSON.parse(JSON.stringify({ ...state, bests: bests.map(({ step, values }) => ({ step, values })) })) as Omit<ResumeState, 'tensors'>;
  return { ...rest, tensors: weights(tensors), bests: rest.bests.map((best, index) => ({ ...best, weights: weights(bests[index]?.weights ?? {}) })) };
}

/** What a run tells of numbers: not how fast it was, nor what it was doing. */
function numbersOf(reports: readonly TrainingReport[], { after = 0 } = {}): { readonly type: string; readonly step: number }[] {
  return reports.flatMap((report): { readonly type: string; readonly step: number }[] => {
    if (report.type === 'checkpoint') return [report];
    if (report.type === 'dev') return report.step > after ? [report] : [];
    if (report.type !== 'step' || report.step <= after) return [];
    const { piecesPerSecond: _, etaSeconds: __, ...numbers } = report;
    return [numbers];
  });
}

for (const each of CASES) {
  test(`${each.name} that goes on after half of its steps ends with the weights of one that was not cut off, to the bit`, async (t) => {
    const { options, change } = await requestOf(t, each);
    const points: ResumeState[] = [];
    const whole = await run(t, options, change, (report) => report.type === 'point' && points.push(copyOf(report.take())));
    assert.ok(points.length >= 4, `${points.length} steps`);
    const from = points[points.length / 2 - 1] ?? assert.fail();
    assert.equal(from.step, points.length / 2);
    const rest = await run(t, options, { ...change, from });
    assert.deepEqual(rest.reports.filter(({ type }) => type === 'resumed'), [{ type: 'resumed', step: from.step, steps: points.length }]);
    assert.deepEqual(numbersOf(rest.reports), numbersOf(whole.reports, { after: from.step }));
    assert.deepEqual(rest.model.choices, whole.model.choices);
  });
}

test('patience goes on counting: a run that was to end two scores after the cut ends there', async (t) => {
  const nothing: Corpus = { ...es, sentences: es.sentences.map(({ tokens }) => ({ tokens, tags: tokens.map(() => 'O') })) };
  const options = { ...SIZES, epochs: 30, patience: 5, selection: 'target-dev' } as const;
  const change = { dev: [nothing], cacheDir: await testFolder(t) };
  const points: ResumeState[] = [];
  const whole = await run(t, options, change, (report) => report.type === 'point' && points.push(copyOf(report.take())));
  assert.deepEqual(points.map(({ step, sinceBest }) => [step, sinceBest]), [[1, 0], [2, 1], [3, 2], [4, 3], [5, 4], [6, 5]]);
  for (const from of [points[3], points[5]]) {
    const rest = await run(t, options, { ...change, from: from ?? assert.fail() });
    assert.deepEqual(numbersOf(rest.reports), numbersOf(whole.reports, { after: from?.step ?? 0 }));
  }
});

test('a run that is told to stop gives a last point and its checkpoints; a dev score that was interrupted is made when it goes on', async (t) => {
  const options = { ...SIZES, epochs: 6 };
  const change = { dev: [en, es], cacheDir: await testFolder(t) };
  const whole = await run(t, options, change);
  const stopping = new AbortController();
  const points: ResumeState[] = [];
  const reports: TrainingReport[] = [];
  const stopped = run(t, options, { ...change, signal: stopping.signal }, (report) => {
    reports.push(report);
    // before the dev score, which asks the signal for every batch
    if (report.type === 'step' && report.step === 3) stopping.abort(new Error('enough'));
    if (report.type === 'point' && stopping.signal.aborted) points.push(copyOf(report.take()));
  });
  await assert.rejects(stopped, /enough/);
  const [point = assert.fail(), ...others] = points;
  assert.deepEqual([point.step, point.isJudged, others.length], [3, false, 0]);
  const checkpoints = reports.filter((report) => report.type === 'checkpoint');
  assert.deepEqual(checkpoints.filter(({ isLast }) => isLast).map(({ step, selections }) => [step, selections]), [[3, ['last']]]);
  const rest = await run(t, options, { ...change, from: point });
  // the step itself is not made again
  assert.deepEqual(numbersOf(rest.reports), numbersOf(whole.reports, { after: 2 }).filter(({ type, step }) => type !== 'step' || step > 3));
});

test('a point goes on with batches in parts, and the sum of parts is the step of the whole but for rounding', async (t) => {
  // every word has the same weight in a batch and in its parts only where they have as many
  const twins: Corpus = { ...corpus, sentences: Array.from({ length: 8 }, () => corpus.sentences[1] ?? assert.fail()) };
  const options = { ...SIZES, epochs: 4, dropout: 0, maxPieces: 16, learningRate: 1e-3 };
  const change = { train: [twins], cacheDir: await testFolder(t) };
  const points: ResumeState[] = [];
  const whole = await run(t, options, change, (report) => report.type === 'point' && points.push(copyOf(report.take())));
  const rest = await run(t, options, { ...change, parts: 2, from: points[1] ?? assert.fail() });
  const lossOf = (reports: readonly TrainingReport[]): number[] => reports.flatMap((report) => (report.type === 'step' && report.step > 2 ? [report.loss] : []));
  const [found, expected] = [lossOf(rest.reports), lossOf(whole.reports)];
  assert.ok(found.length > 0 && found.length === expected.length);
  found.forEach((loss, index) => assert.ok(Math.abs(loss - (expected[index] ?? NaN)) < 1e-4, `${loss} is not ${expected[index]}`));
  assert.ok(rest.reports.some((report) => report.type === 'phase' && /of 2 x 16 pieces/.test(report.message)));
});

test('a point of another run is refused with both values', async (t) => {
  const options = { ...SIZES, epochs: 2 };
  const change = { dev: [en], cacheDir: await testFolder(t) };
  const points: ResumeState[] = [];
  await run(t, options, change, (report) => report.type === 'point' && points.push(report.take()));
  const from = points[0] ?? assert.fail();
  const { identity } = from;
  const cases: [name: string, is: object, message: RegExp][] = [
    ['seed', { seed: 7 }, /resume point of step 1 has 7 as its seed, the run has 1;/],
    ['steps', { steps: 99 }, /has 99 as its number of steps, the run has \d+;/],
    ['encoder', { encoder: 'sha256:other' }, /has "sha256:other" as its digest of the encoder, the run has "sha256:test";/],
    ['tokenizer', { tokenizer: 'sha256:other' }, /has "sha256:other" as its digest of the tokenizer/],
    ['config', { config: { ...identity.config, layers: 12 } }, /has 12 as its encoder’s layers, the run has 3;/],
    ['precision', { options: { ...identity.options, precision: 'other' } }, /has "other" as its option precision/],
    ['labels', { labels: ['LOC'] }, /has \["LOC"\] as its labels, the run has \["LOC","PER"\];/],
    ['tags', { tags: ['O'] }, /has \["O"\] as its tags/],
    ['teachers', { recognizers: ['sha256:w'] }, /has \["sha256:w"\] as its digests of recognizers, the run has \[\];/],
    ['datasets', { train: ['sha256:d'] }, /has \["sha256:d"\] as its digests of training sets/],
    ['pairs', { pairs: ['sha256:p', 'none'] }, /has \["sha256:p","none"\] as its digests of pairs/],
  ];
  for (const [name, is, message] of cases) await assert.rejects(run(t, options, { ...change, from: { ...from, identity: { ...identity, ...is } } }), { code: 'RESUME_MISMATCH', message }, name);
  // an option that came later is in no point, and its row has what the run did before
  const { dropout: _, ...older } = identity.options;
  await run(t, options, { ...change, from: { ...from, identity: { ...identity, options: older as typeof identity.options } } });
});
