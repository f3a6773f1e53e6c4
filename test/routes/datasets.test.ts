/** /datasets: uploads of both shapes, what is refused and where, reading out, pairs, deletion. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dataset } from '../../src/schemas/dataset.ts';
import { ENCODER, openApi, problem, type Api } from './api.ts';

const CONLL = 'Ana B-PER\nlives O\nin O\nNew B-LOC\nYork I-LOC\n\nBerlin B-LOC\nsleeps O\n\n';
const FIELDS = { name: 'en train', kind: 'labeled', language: 'en', split: 'train' };
const DATASET = {
  datasetId: '<ds>',
  ...FIELDS,
  format: 'conll',
  tagScheme: 'IOB2',
  labels: ['LOC', 'PER'],
  sentences: 2,
  words: 7,
  entities: { LOC: 2, PER: 1 },
  pairs: 0,
  digest: '<digest>',
  sizeBytes: CONLL.length,
  warnings: [],
  createdAt: '<time>',
};
const SENTENCES = [
  { tokens: ['Ana', 'lives', 'in', 'New', 'York'], tags: ['B-PER', 'O', 'O', 'B-LOC', 'I-LOC'] },
  { tokens: ['Berlin', 'sleeps'], tags: ['B-LOC', 'O'] },
];
const PAIR = { left: { tokens: ['Ana', 'lives'], word: 0 }, right: { tokens: ['Berlin'], word: 0 }, same: false };

async function make(api: Api, name: string, kind = 'labeled'): Promise<string> {
  const content = kind === 'pairs' ? { pairs: [PAIR] } : { sentences: kind === 'labeled' ? SENTENCES : SENTENCES.map(({ tokens }) => ({ tokens })) };
  return (await api.must<Dataset>('POST', '/datasets', { ...FIELDS, name, kind, ...content })).datasetId;
}

test('uploads', async (t) => {
  const api = await openApi(t, { maxUploadBytes: 1000 });

  await t.test('a file is streamed in after its fields', async () => {
    assert.deepEqual(await api.upload({ ...FIELDS, format: 'conll' }, CONLL), { status: 201, body: DATASET });
  });
  await t.test('the same content under the same name is the dataset that is there', async () => {
    assert.deepEqual(await api.upload(FIELDS, CONLL), { status: 200, body: DATASET });
  });
  await t.test('other content under a taken name is refused', async () => {
    const answer = await api.upload(FIELDS, 'Eva B-PER\n\n');
    assert.deepEqual(answer, problem(409, 'DATASET_NAME_TAKEN', 'Name is taken', 'The dataset "en train" has other content (<digest>, this is <digest>), or another kind, language or split'));
  });
  await t.test('columns say where a word and its tag stand', async () => {
    const { status, body } = await api.upload({ ...FIELDS, name: 'columns', columns: '{"token":1,"tag":3}' }, '1 Ana X B-PER\n2 lives X O\n\n');
    assert.deepEqual([status, (body as Dataset).entities, (body as Dataset).words], [201, { PER: 1 }, 2]);
  });
  await t.test('sentences come as JSON', async () => {
    const answer = await api.send('POST', '/datasets', { ...FIELDS, name: 'inline', sentences: SENTENCES });
    const sizeBytes = SENTENCES.reduce((sum, sentence) => sum + JSON.stringify(sentence).length + 1, 0);
    assert.deepEqual(answer, { status: 201, body: { ...DATASET, name: 'inline', format: 'jsonl', sizeBytes } });
  });
  await t.test('pairs come as JSON', async () => {
    const answer = await api.send('POST', '/datasets', { ...FIELDS, name: 'pairs', kind: 'pairs', pairs: [PAIR] });
    assert.deepEqual(answer, {
      status: 201,
      body: { ...DATASET, name: 'pairs', kind: 'pairs', format: 'pairs', tagScheme: null, labels: [], entities: {}, sentences: 2, words: 3, pairs: 1, sizeBytes: JSON.stringify(PAIR).length + 1 },
    });
  });

  const known = (await api.must<{ items: unknown[] }>('GET', '/datasets')).items.length;
  const fieldsProblem = (detail: string, errors?: object[]): object => problem(400, 'DATASET_FIELDS', 'Fields of the dataset are wrong', detail, errors);
  const cases: [name: string, answer: () => Promise<object>, expected: object][] = [
    [
      'broken lines are refused with their places',
      () => api.upload({ ...FIELDS, name: 'broken', format: 'conll' }, 'Ana B-PER\nlives O extra\n\n'),
      problem(422, 'DATASET_INVALID', 'Dataset cannot be read', 'The dataset has 1 error and was not stored; the first: line 2, column 14: expected 2 columns as in the lines before, found 3', [
        { line: 2, column: 14, detail: 'expected 2 columns as in the lines before, found 3' },
      ]),
    ],
    [
      'a broken sentence of a JSON body is pointed at',
      () => api.send('POST', '/datasets', { ...FIELDS, name: 'broken', sentences: [SENTENCES[0], { tokens: ['a', 'b'], tags: ['O'] }] }),
      problem(422, 'DATASET_INVALID', 'Dataset cannot be read', 'The dataset has 1 error and was not stored; the first: /sentences/1: expected 2 tags, one for each token, found 1', [
        { pointer: '/sentences/1', detail: 'expected 2 tags, one for each token, found 1' },
      ]),
    ],
    ['a file over the limit is refused', () => api.upload({ ...FIELDS, name: 'big' }, 'a O\n'.repeat(300)), problem(413, 'UPLOAD_TOO_LARGE', 'Upload is too large', 'The file has more than 1000 bytes (MAX_UPLOAD_BYTES); nothing of it was stored')],
    ['a file that breaks where it is cut is too large, not broken', () => api.upload({ ...FIELDS, name: 'big' }, 'word B-PER\n'.repeat(91)), problem(413, 'UPLOAD_TOO_LARGE', 'Upload is too large', 'The file has more than 1000 bytes (MAX_UPLOAD_BYTES); nothing of it was stored')],
    [
      'a field that is missing is named',
      () => api.upload({ name: 'x', kind: 'labeled', split: 'train' }, CONLL),
      fieldsProblem('/language is missing, or comes after the file', [{ pointer: '/language', detail: 'is missing, or comes after the file' }]),
    ],
    ['an optional field after the file is not passed over', () => api.upload({ ...FIELDS, name: 'late' }, CONLL, { late: { format: 'conll' } }), fieldsProblem('/format comes after the file; fields come before it')],
    ['an unknown field is refused', () => api.upload({ ...FIELDS, name: 'x', colour: 'red' }, CONLL), fieldsProblem('/colour is not known here', [{ pointer: '/colour', detail: 'is not known here' }])],
    [
      'a kind that is none is refused with those that are',
      () => api.upload({ ...FIELDS, kind: 'labelled' }, CONLL),
      fieldsProblem('/kind must be one of "labeled", "unlabeled", "pairs"', [{ pointer: '/kind', detail: 'must be one of "labeled", "unlabeled", "pairs"' }]),
    ],
    ['a file under another name is refused', () => api.upload(FIELDS, CONLL, { part: 'data' }), fieldsProblem('the file is named "data"; its name is "file"')],
    ['an unknown key of a JSON body is refused', () => api.send('POST', '/datasets', { ...FIELDS, sentences: SENTENCES, extra: 1 }), problem(400, 'REQUEST_INVALID', 'Request is not valid', 'The body is not valid: /extra is not known here', [{ pointer: '/extra', detail: 'is not known here' }])],
    ['sentences are no pairs', () => api.send('POST', '/datasets', { ...FIELDS, kind: 'pairs', sentences: SENTENCES }), fieldsProblem('/kind is pairs, and the content is in /sentences')],
    ['content is needed', () => api.send('POST', '/datasets', FIELDS), fieldsProblem('one of /sentences and /pairs is given')],
    ['a body is needed', () => api.send('POST', '/datasets'), problem(400, 'BODY_MISSING', 'Body is missing', 'The request has no body; send JSON or multipart/form-data')],
    [
      'what Postgres cannot keep is refused',
      () => api.send('POST', '/datasets', { ...FIELDS, name: 'a\0b', sentences: SENTENCES }),
      problem(400, 'TEXT_NOT_STORABLE', 'Text cannot be kept', '/name has U+0000 at the UTF-16 index 1', [{ pointer: '/name', detail: 'has U+0000 at the UTF-16 index 1' }]),
    ],
    [
      'half a surrogate pair is refused',
      () => api.send('POST', '/datasets', { ...FIELDS, sentences: [{ tokens: ['a\ud800'], tags: ['O'] }] }),
      problem(400, 'TEXT_NOT_STORABLE', 'Text cannot be kept', '/sentences/0/tokens/0 has half a surrogate pair at the UTF-16 index 1', [
        { pointer: '/sentences/0/tokens/0', detail: 'has half a surrogate pair at the UTF-16 index 1' },
      ]),
    ],
  ];
  for (const [name, answer, expected] of cases) await t.test(name, async () => assert.deepEqual(await answer(), expected));
  await t.test('nothing of what was refused is a dataset', async () => {
    assert.equal((await api.must<{ items: unknown[] }>('GET', '/datasets')).items.length, known);
  });
  await t.test('the log has no names of files and datasets and no text', () => {
    const log = api.logged.join('');
    for (const text of ['secret name', 'en train', 'Ana', 'Berlin']) assert.ok(!log.includes(text), text);
    assert.ok(log.includes('/datasets'));
  });
});

test('idempotent uploads', async (t) => {
  const api = await openApi(t);
  const headers = { 'idempotency-key': 'k1' };

  await t.test('the same upload with the same key is answered as the first was', async () => {
    const first = await api.upload(FIELDS, CONLL, { headers });
    const second = await api.upload(FIELDS, CONLL, { headers });
    assert.deepEqual([first.status, second], [201, first]);
  });
  await t.test('another upload with the same key is refused and makes no dataset', async () => {
    const answer = await api.upload({ ...FIELDS, name: 'other' }, 'Eva B-PER\n\n', { headers });
    assert.deepEqual(answer, problem(422, 'IDEMPOTENCY_KEY_REUSED', 'Idempotency key was used for something else', 'The Idempotency-Key "k1" came with another body before'));
    assert.equal(await api.store.dataset.count(), 1);
  });
});

test('reading datasets', async (t) => {
  const api = await openApi(t);
  const labeled = await make(api, 'en');
  const unlabeled = await make(api, 'raw', 'unlabeled');
  const pairs = await make(api, 'pairs', 'pairs');

  await t.test('one is shown', async () => {
    const { status, body } = await api.send('GET', `/datasets/${labeled}`);
    assert.deepEqual([status, body], [200, { ...DATASET, name: 'en', format: 'jsonl', sizeBytes: (body as Dataset).sizeBytes }]);
  });
  await t.test('the list is newest first, in pages, and filtered', async () => {
    const first = await api.must<{ items: Dataset[]; nextCursor: string }>('GET', '/datasets?limit=2');
    const rest = await api.must<{ items: Dataset[]; nextCursor: null }>('GET', `/datasets?limit=2&cursor=${first.nextCursor}`);
    assert.deepEqual([...first.items, ...rest.items].map(({ datasetId }) => datasetId), [pairs, unlabeled, labeled]);
    assert.equal(rest.nextCursor, null);
    const filtered = await api.must<{ items: Dataset[] }>('GET', '/datasets?kind=labeled&language=en&split=train&name=en');
    assert.deepEqual(filtered.items.map(({ datasetId }) => datasetId), [labeled]);
  });
  await t.test('sentences come in pages', async () => {
    assert.deepEqual(await api.send('GET', `/datasets/${labeled}/sentences?limit=1`), { status: 200, body: { items: [SENTENCES[0]], nextCursor: '1' } });
    assert.deepEqual(await api.send('GET', `/datasets/${labeled}/sentences?limit=1&cursor=1`), { status: 200, body: { items: [SENTENCES[1]], nextCursor: null } });
    assert.deepEqual(await api.send('GET', `/datasets/${pairs}/sentences`), { status: 200, body: { items: [PAIR], nextCursor: null } });
  });
  const jsonl = SENTENCES.map((sentence) => `${JSON.stringify(sentence)}\n`).join('');
  const exports: [url: string, type: string, body: string][] = [
    [`/datasets/${labeled}/export`, 'application/jsonl; charset=utf-8', jsonl],
    [`/datasets/${labeled}/export?format=conll`, 'text/plain; charset=utf-8', 'Ana\tB-PER\nlives\tO\nin\tO\nNew\tB-LOC\nYork\tI-LOC\n\nBerlin\tB-LOC\nsleeps\tO\n\n'],
    [`/datasets/${labeled}/export?format=wikiann`, 'text/plain; charset=utf-8', 'en:Ana\tB-PER\nen:lives\tO\nen:in\tO\nen:New\tB-LOC\nen:York\tI-LOC\n\nen:Berlin\tB-LOC\nen:sleeps\tO\n\n'],
    [`/datasets/${unlabeled}/export?format=text`, 'text/plain; charset=utf-8', 'Ana lives in New York\nBerlin sleeps\n'],
    [`/datasets/${pairs}/export`, 'application/jsonl; charset=utf-8', `${JSON.stringify(PAIR)}\n`],
  ];
  for (const [url, type, body] of exports) {
    await t.test(`an export of ${url.split('/').at(-1)} as ${type}`, async () => {
      const answer = await api.app.inject({ method: 'GET', url });
      assert.deepEqual([answer.statusCode, answer.headers['content-type'], answer.body], [200, type, body]);
      assert.match(String(answer.headers['content-disposition']), /^attachment; filename="ds_[0-9a-z]+\.(jsonl|txt)"$/);
    });
  }
  await t.test('pairs are no CoNLL', async () => {
    const answer = await api.send('GET', `/datasets/${pairs}/export?format=conll`);
    assert.deepEqual(answer, problem(422, 'DATASET_KIND', 'Dataset is of another kind', 'The dataset <ds> does not fit: it is pairs, which cannot be exported as conll'));
  });
  for (const url of ['/datasets/ds_none', '/datasets/ds_none/sentences', '/datasets/ds_none/export']) {
    await t.test(`${url} is not there`, async () => assert.deepEqual(await api.send('GET', url), problem(404, 'DATASET_NOT_FOUND', 'No such dataset', 'There is no dataset "ds_none"')));
  }
  await t.test('a cursor that no list has given is refused', async () => {
    assert.deepEqual(await api.send('GET', '/datasets?cursor=abc'), problem(400, 'CURSOR_INVALID', 'Cursor is not valid', '"abc" is no cursor that a list has given'));
    assert.deepEqual(await api.send('GET', `/datasets/${labeled}/sentences?cursor=-1`), problem(400, 'CURSOR_INVALID', 'Cursor is not valid', '"-1" is no cursor that a list has given'));
  });
  await t.test('a limit out of bounds is refused', async () => {
    assert.deepEqual(
      await api.send('GET', '/datasets?limit=201'),
      problem(400, 'REQUEST_INVALID', 'Request is not valid', 'The querystring is not valid: querystring:/limit must be <= 200', [{ pointer: 'querystring:/limit', detail: 'must be <= 200' }]),
    );
  });
});

test('pairs and deletion', async (t) => {
  const api = await openApi(t);
  const labeled = await make(api, 'en');

  await t.test('pairs are drawn from a labeled dataset', async () => {
    const { status, body } = await api.send('POST', `/datasets/${labeled}/pairs`, { name: 'drawn', count: 4, balance: 0.5, seed: 3 });
    const { pairs, kind, language, split, name } = body as Dataset;
    assert.deepEqual({ status, pairs, kind, language, split, name }, { status: 201, pairs: 4, kind: 'pairs', language: 'en', split: 'train', name: 'drawn' });
  });
  await t.test('the same seed draws the same pairs: the dataset that is there', async () => {
    assert.equal((await api.send('POST', `/datasets/${labeled}/pairs`, { name: 'drawn', count: 4, balance: 0.5, seed: 3 })).status, 200);
  });
  await t.test('pairs are not drawn from pairs', async () => {
    const pairs = await make(api, 'pairs', 'pairs');
    const answer = await api.send('POST', `/datasets/${pairs}/pairs`, { name: 'again', count: 1 });
    assert.deepEqual(answer, problem(422, 'DATASET_KIND', 'Dataset is of another kind', 'The dataset <ds> does not fit: it is pairs, and pairs are drawn from a labeled dataset'));
  });
  await t.test('a dataset of a live run cannot be deleted', async () => {
    await api.must('POST', '/runs', { kind: 'recognizer', encoder: ENCODER, datasets: { train: [labeled] } });
    assert.deepEqual(await api.send('DELETE', `/datasets/${labeled}`), problem(409, 'DATASET_IN_USE', 'Dataset is in use', 'The dataset <ds> is used by the live run <run>'));
  });
  await t.test('a deleted dataset is gone and its name free', async () => {
    const datasetId = await make(api, 'short-lived');
    assert.deepEqual(await api.send('DELETE', `/datasets/${datasetId}`), { status: 204, body: '' });
    assert.equal((await api.send('GET', `/datasets/${datasetId}`)).status, 404);
    assert.equal((await api.send('DELETE', `/datasets/${datasetId}`)).status, 404);
    assert.notEqual(await make(api, 'short-lived', 'unlabeled'), datasetId);
  });
});
