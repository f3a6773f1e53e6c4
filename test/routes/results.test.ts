/** What a run gives: scores, metrics, events, checkpoints, downloads, comparisons, models. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dataset } from '../../src/schemas/dataset.ts';
import type { Comparison } from '../../src/schemas/result.ts';
import type { Run } from '../../src/schemas/run.ts';
import { createCheckpoint } from '../../src/store/checkpoints.ts';
import { saveEstimate } from '../../src/store/estimates.ts';
import { addMetrics } from '../../src/store/metrics.ts';
import { beginAttempt, moveRun } from '../../src/store/runs.ts';
import { saveScores, type NewScore, type NewVariant } from '../../src/store/scores.ts';
import { ENCODER, openApi, problem, type Api } from './api.ts';

const NO_RUN = problem(404, 'RUN_NOT_FOUND', 'No such run', 'There is no run "run_none"');

interface Made {
  readonly runId: string;
  readonly checkpointId: string;
  readonly test: string;
}

/** A run that has ended with the given true positives of 10 entities. */
async function make(api: Api, { seed, tp, options = {}, isPairs = false }: { seed: number; tp: number; options?: object; isPairs?: boolean }): Promise<Made> {
  const sentences = [{ tokens: ['Ana', 'sleeps'], tags: ['B-PER', 'O'] }];
  const of = async (split: string): Promise<string> =>
    (await api.must<Dataset>('POST', '/datasets', { name: `en ${split}`, kind: 'labeled', language: 'en', split, sentences })).datasetId;
  const [train, dataset] = [await of('train'), await of('test')];
  const { runId } = await api.must<Run>('POST', '/runs', { kind: 'recognizer', seed, datasets: { train: [train], test: [dataset] }, options });
  const begun = await beginAttempt(api.store, { runId, worker: 'w', device: 'cpu' });
  const attempt = begun?.attempt ?? 0;
  const checkpointId = `ckpt_${String(seed).padStart(20, '2')}`;
  await createCheckpoint(api.store, { attempt, checkpointId, runId, step: 5, isBest: true, isLast: true, digest: `sha256:${'a'.repeat(64)}`, sizeBytes: 12, storageKey: 'x', manifest: { format: 'mtmt-checkpoint/1', selections: ['source-dev'] } });
  const row = { datasetId: dataset, language: 'en', split: 'test', tn: isPairs ? 6 : null, sentences: 1, words: 2, checkpointId, selection: 'source-dev', scorer: isPairs ? 'pairs' : 'conlleval', decoding: 'viterbi' };
  const counts = { tp, fp: 10 - tp, fn: 10 - tp };
  const all: NewScore = { ...row, label: '', ...counts, ciLow: 0.25, ciHigh: 0.75 };
  // ten sentences of one entity each, the first `tp` of them right
  const sentenceCounts = Array.from({ length: 10 }, (_, sentence) => (sentence < tp ? [1, 0, 0] : [0, 1, 1])).flat();
  const variant: NewVariant = { datasetId: dataset, selection: 'source-dev', decoding: 'viterbi', checkpointId, ...counts, sentenceCounts, alphaBins: [2, 1, 0, 0] };
  await saveScores(api.store, { runId, attempt }, [all, { ...row, label: 'PER', ...counts, ciLow: null, ciHigh: null }], isPairs ? [] : [variant]);
  const estimate = { precision: 0.5, recall: 0.75, ciLow: 0.5, ciHigh: 0.7, confidence: 0.65, agreement: null, sentences: 3, words: 9, checkpointId };
  for (const [language, f1] of [['es', 0.25], ['en', 0.625]] as const) await saveEstimate(api.store, { runId, attempt }, { ...estimate, language, f1 });
  const metrics = Array.from({ length: 10 }, (_, step) => ({ name: 'loss', step, value: step === 3 ? NaN : 1 / (step + 1) }));
  await addMetrics(api.store, { runId, attempt }, [...metrics, { name: 'f1', step: 9, value: 0.5, language: 'en', split: 'dev' }]);
  await moveRun(api.store, { runId, from: ['running'], to: 'succeeded' });
  return { runId, checkpointId, test: dataset };
}

test('results of a run', async (t) => {
  const api = await openApi(t);
  const { runId, checkpointId } = await make(api, { seed: 1, tp: 5 });
  const half = { precision: 0.5, recall: 0.5, f1: 0.5, tp: 5, fp: 5, fn: 5 };
  const score = {
    datasetId: '<ds>',
    language: 'en',
    split: 'test',
    ...half,
    sentences: 1,
    words: 2,
    labels: { PER: half },
    ci95: [0.25, 0.75],
    checkpointId: '<ckpt>',
    selection: 'source-dev',
    scorer: 'conlleval',
    decoding: 'viterbi',
    variants: [{ selection: 'source-dev', decoding: 'viterbi', checkpointId: '<ckpt>', ...half }],
  };
  const point = (step: number): object => ({ name: 'loss', step, value: step === 3 ? null : 1 / (step + 1), language: null, split: null, at: '<time>' });
  const checkpoint = { checkpointId: '<ckpt>', runId: '<run>', step: 5, isBest: true, isLast: true, selections: ['source-dev'], digest: '<digest>', sizeBytes: 12, manifest: { checkpointId: '<ckpt>', format: 'mtmt-checkpoint/1', selections: ['source-dev'] }, createdAt: '<time>' };
  const estimate = { language: 'es', f1: 0.25, precision: 0.5, recall: 0.75, ci95: [0.5, 0.7], confidence: 0.65, agreement: null, sentences: 3, words: 9, checkpointId: '<ckpt>', truth: null };
  const known = { ...estimate, language: 'en', f1: 0.625, truth: { f1: 0.5, split: 'test', error: 0.125 } };
  const cases: [url: string, body: unknown][] = [
    ['estimates', { items: [known, estimate], nextCursor: null }],
    ['estimates?limit=1', { items: [known], nextCursor: '1' }],
    ['estimates?limit=1&cursor=1', { items: [estimate], nextCursor: null }],
    ['estimates?language=es', { items: [estimate], nextCursor: null }],
    ['scores', { items: [score], nextCursor: null }],
    ['scores?language=en&split=test&limit=1', { items: [score], nextCursor: null }],
    ['scores?language=de', { items: [], nextCursor: null }],
    ['scores?split=none', { items: [], nextCursor: null }],
    [
      'scores?details=true',
      { items: [{ ...score, variants: [{ ...score.variants[0], sentenceCounts: [...Array.from({ length: 5 }, () => [1, 0, 0]), ...Array.from({ length: 5 }, () => [0, 1, 1])].flat(), alphaBins: [{ words: 2, tp: 1, fp: 0, fn: 0 }] }] }], nextCursor: null },
    ],
    ['metrics?name=loss', { items: Array.from({ length: 10 }, (_, step) => point(step)), nextCursor: null, sampled: false }],
    ['metrics?name=loss&maxPoints=4', { items: [0, 3, 6, 9].map(point), nextCursor: null, sampled: true }],
    ['metrics?language=en&split=dev', { items: [{ name: 'f1', step: 9, value: 0.5, language: 'en', split: 'dev', at: '<time>' }], nextCursor: null, sampled: false }],
    ['checkpoints', { items: [checkpoint], nextCursor: null }],
  ];
  for (const [url, body] of cases) await t.test(url, async () => assert.deepEqual(await api.send('GET', `/runs/${runId}/${url}`), { status: 200, body }));
  await t.test('an evaluator’s scores carry the accuracy of pairs', async () => {
    const { runId: evaluator } = await make(api, { seed: 2, tp: 8, isPairs: true });
    const { body } = await api.send('GET', `/runs/${evaluator}/scores`);
    const { items } = await api.must<{ items: { truth: unknown }[] }>('GET', `/runs/${evaluator}/estimates`);
    assert.deepEqual(items.map(({ truth }) => truth), [null, null], 'pairs say nothing of entities');
    assert.deepEqual(body, { items: [{ ...score, precision: 0.8, recall: 0.8, f1: 0.8, tp: 8, fp: 2, fn: 2, accuracy: 14 / 18, labels: { PER: { precision: 0.8, recall: 0.8, f1: 0.8, tp: 8, fp: 2, fn: 2 } }, scorer: 'pairs', variants: [] }], nextCursor: null });
  });
  await t.test('a checkpoint is shown with its manifest', async () => assert.deepEqual(await api.send('GET', `/checkpoints/${checkpointId}`), { status: 200, body: checkpoint }));
  await t.test('a checkpoint that is not there', async () => {
    assert.deepEqual(await api.send('GET', '/checkpoints/ckpt_none'), problem(404, 'CHECKPOINT_NOT_FOUND', 'No such checkpoint', 'There is no checkpoint "ckpt_none"'));
  });
  for (const what of ['scores', 'estimates', 'metrics', 'events', 'checkpoints']) {
    await t.test(`${what} of a run that is not there`, async () => assert.deepEqual(await api.send('GET', `/runs/run_none/${what}`), NO_RUN));
  }
});

test('comparisons', async (t) => {
  const api = await openApi(t);
  const a = await make(api, { seed: 1, tp: 5 });
  const b = await make(api, { seed: 2, tp: 8, options: { dropout: 0.2 } });
  const shown = (made: Made, f1: number, difference: number): object => ({ runId: made.runId, name: 'recognizer', kind: 'recognizer', selections: ['source-dev'], f1: { en: f1 }, difference: { en: difference }, ci95: { en: '<interval>' }, mean: f1 });
  const withoutIntervals = (body: Comparison): object => ({ ...body, runs: body.runs.map((run) => ({ ...run, ci95: Object.fromEntries(Object.keys(run.ci95).map((language) => [language, '<interval>'])) })) });
  const differing = { dropout: { [a.runId]: 0.1, [b.runId]: 0.2 } };

  await t.test('the first run is the baseline', async () => {
    const body = await api.must<Comparison>('POST', '/runs/compare', { runs: [a.runId, b.runId] });
    assert.deepEqual(withoutIntervals(body), { baseline: a.runId, split: 'test', languages: ['en'], runs: [shown(a, 0.5, 0), shown(b, 0.8, 0.8 - 0.5)], options: differing });
  });
  await t.test('another run may be the baseline, also one that is not shown', async () => {
    const body = await api.must<Comparison>('POST', '/runs/compare', { runs: [a.runId], baseline: b.runId });
    assert.deepEqual(withoutIntervals(body), { baseline: b.runId, split: 'test', languages: ['en'], runs: [shown(a, 0.5, 0.5 - 0.8)], options: {} });
  });
  await t.test('what is not scored is null', async () => {
    const body = await api.must<Comparison>('POST', '/runs/compare', { runs: [a.runId], languages: ['de'] });
    assert.deepEqual(body.runs, [{ runId: a.runId, name: 'recognizer', kind: 'recognizer', selections: [], f1: { de: null }, difference: { de: null }, ci95: { de: null }, mean: null }]);
  });
  await t.test('a difference has the interval of a paired bootstrap, which has no width where a run is its own baseline', async () => {
    const { runs } = await api.must<Comparison>('POST', '/runs/compare', { runs: [a.runId, b.runId] });
    assert.deepEqual(runs[0]?.ci95, { en: [0, 0] });
    // three of ten sentences differ, all for the better: none or up to all of them are drawn
    const [low = NaN, high = NaN] = runs[1]?.ci95['en'] ?? [];
    assert.ok(low >= 0 && low < 0.3 && high > 0.3 && high < 0.8, `${low} to ${high}`);
  });
  await t.test('pairs have no interval', async () => {
    const evaluator = await make(api, { seed: 3, tp: 8, isPairs: true });
    const { runs } = await api.must<Comparison>('POST', '/runs/compare', { runs: [evaluator.runId], baseline: a.runId });
    assert.deepEqual(runs[0]?.ci95, { en: null });
  });
  await t.test('a run that is not there is named', async () => {
    assert.deepEqual(await api.send('POST', '/runs/compare', { runs: [a.runId, 'run_none'] }), NO_RUN);
    assert.deepEqual(await api.send('POST', '/runs/compare', { runs: [a.runId], baseline: 'run_none' }), NO_RUN);
  });
  await t.test('more than fifty are refused', async () => {
    const answer = await api.send('POST', '/runs/compare', { runs: Array.from({ length: 51 }, () => a.runId) });
    const detail = 'has 51 items, at most 50 are taken';
    assert.deepEqual(answer, problem(400, 'REQUEST_INVALID', 'Request is not valid', `The body is not valid: /runs ${detail}`, [{ pointer: '/runs', detail }]));
  });
});

test('/models', async (t) => {
  const api = await openApi(t);
  const a = await make(api, { seed: 1, tp: 5 });
  const b = await make(api, { seed: 2, tp: 8 });
  const entry = { alias: 'default', checkpointId: '<ckpt>', runId: '<run>', encoder: ENCODER, updatedAt: '<time>' };
  const moment = { checkpointId: '<ckpt>', at: '<time>' };

  await t.test('an alias points at a checkpoint', async () => {
    assert.deepEqual(await api.send('PUT', '/models/default', { checkpointId: a.checkpointId }), { status: 200, body: { ...entry, history: [moment] } });
  });
  await t.test('pointed elsewhere, it remembers', async () => {
    await api.must('PUT', '/models/default', { checkpointId: b.checkpointId });
    const { checkpointId, history } = await api.must<{ checkpointId: string; history: { checkpointId: string }[] }>('GET', '/models/default');
    assert.deepEqual([checkpointId, history.map((item) => item.checkpointId)], [b.checkpointId, [b.checkpointId, a.checkpointId]]);
  });
  await t.test('they are listed', async () => assert.deepEqual(await api.send('GET', '/models'), { status: 200, body: { items: [entry], nextCursor: null } }));
  await t.test('a run that is served cannot be deleted', async () => {
    assert.deepEqual(await api.send('DELETE', `/runs/${b.runId}`), problem(409, 'RUN_IN_USE', 'Run is in use', 'The run <run> cannot be deleted: the model default points at it'));
  });
  await t.test('a deleted alias is gone, and its history tells so once it is there again', async () => {
    const absent = problem(404, 'MODEL_NOT_FOUND', 'No such model', 'There is no model "default"');
    assert.deepEqual(await api.send('DELETE', '/models/default'), { status: 204, body: '' });
    assert.deepEqual(await api.send('GET', '/models/default'), absent);
    assert.deepEqual(await api.send('DELETE', '/models/default'), absent);
    const { body } = await api.send('PUT', '/models/default', { checkpointId: a.checkpointId });
    assert.deepEqual(body, { ...entry, history: [moment, { checkpointId: null, at: '<time>' }, moment, moment] });
  });
  await t.test('a checkpoint that is not there is refused', async () => {
    const answer = await api.send('PUT', '/models/x', { checkpointId: 'ckpt_none' });
    assert.deepEqual(answer, problem(404, 'CHECKPOINT_NOT_FOUND', 'No such checkpoint', 'There is no checkpoint "ckpt_none"'));
  });
  await t.test('an alias is letters, digits, dot, underscore and hyphen', async () => {
    const { status, body } = await api.send('PUT', '/models/a%2Fb', { checkpointId: a.checkpointId });
    assert.deepEqual([status, (body as { errors: object[] }).errors], [400, [{ pointer: 'params:/alias', detail: 'must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$' }]]);
  });
});
