/** /runs and /pipelines: what is submitted, shown, listed, cancelled, resumed, cloned and deleted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dataset } from '../../src/schemas/dataset.ts';
import type { Run } from '../../src/schemas/run.ts';
import { moveRun } from '../../src/store/runs.ts';
import { resolveOptions } from '../../src/training/options.ts';
import { ENCODER, openApi, problem, type Api } from './api.ts';

const SENTENCES = [{ tokens: ['Ana', 'sleeps'], tags: ['B-PER', 'O'] }];

async function make(api: Api, language: string, split: string, kind = 'labeled'): Promise<string> {
  const sentences = kind === 'labeled' ? SENTENCES : SENTENCES.map(({ tokens }) => ({ tokens }));
  return (await api.must<Dataset>('POST', '/datasets', { name: `${language} ${split} ${kind}`, kind, language, split, sentences })).datasetId;
}

test('one run', async (t) => {
  const api = await openApi(t);
  const train = await make(api, 'en', 'train');
  const dev = await make(api, 'en', 'dev');
  const request = { kind: 'recognizer', name: 'first', experiment: 'new', seed: 7, tags: { team: 'nlp' }, datasets: { train: [train], dev: [dev] }, options: { epochs: 2 } };
  const queued = {
    runId: '<run>',
    kind: 'recognizer',
    status: 'queued',
    terminal: false,
    experimentId: '<exp>',
    experiment: 'new',
    name: 'first',
    encoder: ENCODER,
    datasets: { train: ['<ds>'], dev: ['<ds>'] },
    teachers: {},
    requested: { ...request, datasets: { train: ['<ds>'], dev: ['<ds>'] } },
    options: { ...resolveOptions('recognizer', {}), epochs: 2 },
    seed: 7,
    priority: 0,
    tags: { team: 'nlp' },
    attempt: 0,
    device: null,
    backend: null,
    worker: null,
    progress: { step: 0, steps: 0, epoch: 0, loss: null, piecesPerSecond: null, etaSeconds: null },
    transitions: [{ status: 'queued', at: '<time>' }],
    failure: null,
    versions: {},
    createdAt: '<time>',
    startedAt: null,
    endedAt: null,
  };
  const cancelled = {
    ...queued,
    status: 'cancelled',
    terminal: true,
    transitions: [...queued.transitions, { status: 'cancelled', at: '<time>', reason: 'cancelled by request' }],
    endedAt: '<time>',
  };

  await t.test('it is queued with every option resolved, and its request kept as it came', async () => {
    assert.deepEqual(await api.send('POST', '/runs', request), { status: 202, body: queued });
    assert.equal(api.queued.length, 1);
  });
  const runId = api.queued[0] ?? '';
  await t.test('it is shown', async () => assert.deepEqual(await api.send('GET', `/runs/${runId}`), { status: 200, body: queued }));
  await t.test('a live run cannot be deleted', async () => {
    assert.deepEqual(await api.send('DELETE', `/runs/${runId}`), problem(409, 'RUN_IN_USE', 'Run is in use', 'The run <run> cannot be deleted: it is queued; cancel it first'));
  });
  await t.test('a live run cannot be resumed', async () => {
    const answer = await api.send('POST', `/runs/${runId}/resume`);
    assert.deepEqual(answer, problem(409, 'RUN_NOT_RESUMABLE', 'Run cannot be resumed', 'The run <run> is queued; only a failed or cancelled run is resumed'));
  });
  await t.test('it is cancelled, and again with the same answer', async () => {
    assert.deepEqual(await api.send('POST', `/runs/${runId}/cancel`), { status: 202, body: cancelled });
    assert.deepEqual(await api.send('POST', `/runs/${runId}/cancel`, undefined, { 'content-type': 'application/json' }), { status: 202, body: cancelled });
  });
  await t.test('it is resumed', async () => {
    const transitions = [...cancelled.transitions, { status: 'queued', at: '<time>', reason: 'resumed by request' }];
    assert.deepEqual(await api.send('POST', `/runs/${runId}/resume`), { status: 202, body: { ...queued, transitions } });
    assert.deepEqual(api.queued, [runId, runId]);
  });
  await t.test('a clone asks for the same but for what is said', async () => {
    const { status, body } = await api.send('POST', `/runs/${runId}/clone`, { name: 'second', options: { dropout: 0 } });
    assert.equal(status, 202);
    const { name, seed, options, tags } = body as Run;
    assert.deepEqual({ name, seed, options, tags }, { name: 'second', seed: 7, options: { ...queued.options, dropout: 0 }, tags: { team: 'nlp' } });
  });
  await t.test('a clone needs no body', async () => {
    const { status, body } = await api.send('POST', `/runs/${runId}/clone`);
    assert.deepEqual([status, (body as Run).options, (body as Run).seed], [202, queued.options, 7]);
  });
  await t.test('an ended run is not cancelled', async () => {
    await moveRun(api.store, { runId, from: ['queued'], to: 'failed', failure: { code: 'OUT_OF_MEMORY', detail: 'try less' } });
    assert.deepEqual(await api.send('POST', `/runs/${runId}/cancel`), problem(409, 'RUN_ENDED', 'Run has ended', 'The run <run> has failed'));
    assert.deepEqual(((await api.send('GET', `/runs/${runId}`)).body as Run).failure, { code: 'OUT_OF_MEMORY', detail: 'try less' });
  });
  await t.test('numbers that are none are sent as null', async () => {
    await api.store.run.update({ where: { runId }, data: { loss: NaN, piecesPerSecond: Infinity, etaSeconds: 3 } });
    const { progress } = await api.must<Run>('GET', `/runs/${runId}`);
    assert.deepEqual(progress, { step: 0, steps: 0, epoch: 0, loss: null, piecesPerSecond: null, etaSeconds: 3 });
  });
  await t.test('a deleted run is gone', async () => {
    assert.deepEqual(await api.send('DELETE', `/runs/${runId}`), { status: 204, body: '' });
    const absent = problem(404, 'RUN_NOT_FOUND', 'No such run', 'There is no run "<run>"');
    assert.deepEqual(await api.send('GET', `/runs/${runId}`), absent);
    assert.deepEqual(await api.send('POST', `/runs/${runId}/cancel`), absent);
    assert.deepEqual(await api.send('POST', `/runs/${runId}/resume`), absent);
    assert.deepEqual(await api.send('POST', `/runs/${runId}/clone`), absent);
    assert.deepEqual(await api.send('DELETE', `/runs/${runId}`), absent);
  });
  await t.test('the same key and body make one run', async () => {
    const before = api.queued.length;
    const headers = { 'idempotency-key': 'once' };
    const first = await api.app.inject({ method: 'POST', url: '/runs', payload: request, headers });
    const second = await api.app.inject({ method: 'POST', url: '/runs', payload: request, headers });
    assert.deepEqual([second.statusCode, second.body, second.headers['idempotency-replayed']], [202, first.body, 'true']);
    assert.equal(api.queued.length, before + 1);
  });
  const refused: [name: string, body: object, expected: object][] = [
    ['an option that is not known', { ...request, options: { learningrate: 1 } }, problem(400, 'REQUEST_INVALID', 'Request is not valid', 'The body is not valid: /options/learningrate is not known here', [{ pointer: '/options/learningrate', detail: 'is not known here' }])],
    ['an option out of bounds', { ...request, options: { epochs: 0 } }, problem(400, 'REQUEST_INVALID', 'Request is not valid', 'The body is not valid: /options/epochs must be >= 1', [{ pointer: '/options/epochs', detail: 'must be >= 1' }])],
    ['a number written as text', { ...request, seed: '7' }, problem(400, 'REQUEST_INVALID', 'Request is not valid', 'The body is not valid: /seed must be integer', [{ pointer: '/seed', detail: 'must be integer' }])],
    ['a dataset that is not there', { ...request, datasets: { train: ['ds_none'] } }, problem(404, 'DATASET_NOT_FOUND', 'No such dataset', 'There is no dataset "ds_none"')],
    ['an encoder that is not there', { ...request, encoder: 'nothing' }, problem(404, 'ENCODER_NOT_FOUND', 'No such encoder', `There is no encoder "nothing"; installed: ${ENCODER}`)],
    ['no dataset to train on', { ...request, datasets: {} }, problem(422, 'DATASETS_MISSING', 'Datasets missing', 'A recognizer needs at least one dataset in datasets.train')],
  ];
  for (const [name, body, expected] of refused) await t.test(`${name} is refused`, async () => assert.deepEqual(await api.send('POST', '/runs', body), expected));
});

test('pipelines', async (t) => {
  const api = await openApi(t);
  const datasets = { train: [await make(api, 'en', 'train')], dev: [await make(api, 'en', 'dev')], unlabeled: [await make(api, 'es', 'train', 'unlabeled'), await make(api, 'nl', 'train', 'unlabeled')] };

  await t.test('one student learns all languages', async () => {
    const teachers = [{ runId: '<run>', kind: 'recognizer', languages: ['en'] }, { runId: '<run>', kind: 'evaluator', languages: ['en'] }];
    const answer = await api.send('POST', '/pipelines', { experiment: 'p', datasets, options: { similarityWeight: 0.1 } });
    assert.deepEqual(answer, { status: 202, body: { experimentId: '<exp>', runs: [...teachers, { runId: '<run>', kind: 'student', languages: ['es', 'nl'] }] } });
  });
  await t.test('or each language has its own', async () => {
    const { body } = await api.send('POST', '/pipelines', { students: 'each', datasets });
    assert.deepEqual((body as { runs: { languages: string[] }[] }).runs.map(({ languages }) => languages), [['en'], ['en'], ['es'], ['nl']]);
  });
  await t.test('students wait for their teachers', async () => {
    const { items } = await api.must<{ items: Run[] }>('GET', '/runs?experiment=p');
    assert.deepEqual(items.map(({ kind, status }) => [kind, status]).sort(), [['evaluator', 'queued'], ['recognizer', 'queued'], ['student', 'waiting']]);
    const student = items.find(({ kind }) => kind === 'student');
    assert.deepEqual(Object.values(student?.teachers ?? {}).flat().sort(), items.filter(({ kind }) => kind !== 'student').map(({ runId }) => runId).sort());
    assert.equal(student?.options.similarityWeight, 0.1);
  });
  await t.test('students need text to learn from', async () => {
    const answer = await api.send('POST', '/pipelines', { datasets: { train: datasets.train } });
    assert.deepEqual(answer, problem(422, 'DATASETS_MISSING', 'Datasets missing', 'A student needs at least one dataset in datasets.unlabeled'));
  });
});

test('lists of runs', async (t) => {
  const api = await openApi(t);
  const train = await make(api, 'en', 'train');
  for (const [name, seed, experiment] of [['b', 1, 'x'], ['a', 2, 'x'], ['c', 3, 'y'], ['a', 4, 'y']] as const) {
    await api.must('POST', '/runs', { kind: seed === 3 ? 'teacher' : 'recognizer', name, seed, experiment, tags: { n: `t,${seed}` }, datasets: { train: [train] }, options: { learningRate: seed * 1e-5 } });
  }
  await moveRun(api.store, { runId: api.queued[0] ?? '', from: ['queued'], to: 'cancelled' });
  const seeds = async (query: string): Promise<number[]> => (await api.must<{ items: Run[] }>('GET', `/runs?${query}`)).items.map(({ seed }) => seed);
  const quoted = encodeURIComponent('tags.n="t,2"');
  const found: [query: string, seeds: number[]][] = [
    ['', [4, 3, 2, 1]],
    ['experiment=x', [2, 1]],
    ['experiment=nothing', []],
    ['kind=teacher', [3]],
    ['status=cancelled', [1]],
    ['sort=createdAt', [1, 2, 3, 4]],
    ['sort=-seed', [4, 3, 2, 1]],
    ['filter=seed>=2,seed!=3', [4, 2]],
    ['filter=name=a', [4, 2]],
    ['filter=status!=cancelled,kind=recognizer', [4, 2]],
    ['filter=options.learningRate<3e-5', [2, 1]],
    [`filter=${quoted}`, [2]],
    ['filter=tags.none!=x', [4, 3, 2, 1]],
    ['filter=options.maxSteps=null', [4, 3, 2, 1]],
    ['filter=options.maxSteps!=null', []],
    [`filter=${encodeURIComponent('tags.n!="t,2"')}`, [4, 3, 1]],
    ['filter=options.alpha=true,options.beta=shifted', [4, 3, 2, 1]],
    ['filter=device!=cpu', [4, 3, 2, 1]],
    ['filter=createdAt>2020-01-01T00:00:00Z', [4, 3, 2, 1]],
    [`filter=encoder=${ENCODER}`, [4, 3, 2, 1]],
  ];
  for (const [query, expected] of found) await t.test(`/runs?${query}`, async () => assert.deepEqual(await seeds(query), expected));
  for (const sort of ['-createdAt', 'createdAt', 'name', '-name', 'seed', '-priority']) {
    await t.test(`pages in the order of ${sort} leave nothing out`, async () => {
      const whole = await seeds(`sort=${sort}`);
      const paged: number[] = [];
      for (let query = `sort=${sort}&limit=1`; ; ) {
        const { items, nextCursor } = await api.must<{ items: Run[]; nextCursor: string | null }>('GET', `/runs?${query}`);
        paged.push(...items.map(({ seed }) => seed));
        if (nextCursor === null) break;
        query = `sort=${sort}&limit=1&cursor=${nextCursor}`;
      }
      assert.deepEqual(paged, whole);
    });
  }
  await t.test('a cursor of another order is refused', async () => {
    const { nextCursor } = await api.must<{ nextCursor: string }>('GET', '/runs?limit=1&sort=name');
    assert.deepEqual(await api.send('GET', `/runs?cursor=${nextCursor}`), problem(400, 'CURSOR_INVALID', 'Cursor is not valid', `"${nextCursor}" is no cursor that a list has given`));
  });
});
