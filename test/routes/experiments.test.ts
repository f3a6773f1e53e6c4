import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Experiment } from '../../src/schemas/experiment.ts';
import { openApi, problem } from './api.ts';

const CREATED = { experimentId: '<exp>', name: 'lambda', hypothesis: 'less is more', tags: { team: 'nlp' }, createdAt: '<time>' };
const BODY = { name: 'lambda', hypothesis: 'less is more', tags: { team: 'nlp' } };

test('/experiments', async (t) => {
  const api = await openApi(t);
  const taken = problem(409, 'EXPERIMENT_NAME_TAKEN', 'Name is taken', 'There is an experiment "lambda"');
  const absent = problem(404, 'EXPERIMENT_NOT_FOUND', 'No such experiment', 'There is no experiment "exp_none"');

  await t.test('one is created', async () => assert.deepEqual(await api.send('POST', '/experiments', BODY), { status: 201, body: CREATED }));
  await t.test('its name is taken then', async () => assert.deepEqual(await api.send('POST', '/experiments', BODY), taken));
  await t.test('it is found by name and by id', async () => {
    const { experimentId } = await api.must<Experiment>('GET', '/experiments/lambda');
    assert.deepEqual(await api.send('GET', `/experiments/${experimentId}`), { status: 200, body: CREATED });
  });
  await t.test('only what is named is changed', async () => {
    assert.deepEqual(await api.send('PATCH', '/experiments/lambda', { hypothesis: null }), { status: 200, body: { ...CREATED, hypothesis: null } });
    assert.deepEqual(await api.send('PATCH', '/experiments/lambda', { tags: {} }), { status: 200, body: { ...CREATED, hypothesis: null, tags: {} } });
  });
  await t.test('a name of another one is taken', async () => {
    await api.must('POST', '/experiments', { name: 'gamma' });
    assert.deepEqual(await api.send('PATCH', '/experiments/gamma', { name: 'lambda' }), taken);
  });
  await t.test('the list is newest first and in pages', async () => {
    const first = await api.must<{ items: Experiment[]; nextCursor: string }>('GET', '/experiments?limit=1');
    const rest = await api.must<{ items: Experiment[]; nextCursor: null }>('GET', `/experiments?limit=1&cursor=${first.nextCursor}`);
    assert.deepEqual([...first.items, ...rest.items].map(({ name }) => name), ['gamma', 'lambda']);
    assert.equal(rest.nextCursor, null);
  });
  await t.test('the same key and body make one experiment', async () => {
    const headers = { 'idempotency-key': 'once' };
    const first = await api.send('POST', '/experiments', { name: 'once' }, headers);
    assert.deepEqual([first.status, await api.send('POST', '/experiments', { name: 'once' }, headers)], [201, first]);
  });
  await t.test('the same key and another body are refused', async () => {
    const answer = await api.send('POST', '/experiments', { name: 'twice' }, { 'idempotency-key': 'once' });
    assert.deepEqual(answer, problem(422, 'IDEMPOTENCY_KEY_REUSED', 'Idempotency key was used for something else', 'The Idempotency-Key "once" came with another body before'));
  });
  await t.test('a request that failed leaves its key free', async () => {
    const headers = { 'idempotency-key': 'failed' };
    assert.deepEqual(await api.send('POST', '/experiments', BODY, headers), taken);
    assert.equal((await api.send('POST', '/experiments', { name: 'fresh' }, headers)).status, 201);
  });
  await t.test('a key that is too long is refused', async () => {
    const answer = await api.send('POST', '/experiments', { name: 'long' }, { 'idempotency-key': 'k'.repeat(256) });
    assert.deepEqual(answer, problem(400, 'IDEMPOTENCY_KEY_INVALID', 'Idempotency key is not valid', 'An Idempotency-Key has 1 to 255 characters'));
  });
  await t.test('a deleted one is gone and its name free', async () => {
    assert.deepEqual(await api.send('DELETE', '/experiments/lambda'), { status: 204, body: '' });
    assert.equal((await api.send('GET', '/experiments/lambda')).status, 404);
    assert.equal((await api.send('POST', '/experiments', BODY)).status, 201);
  });
  await t.test('what is not there is not found', async () => {
    assert.deepEqual(await api.send('GET', '/experiments/exp_none'), absent);
    assert.deepEqual(await api.send('PATCH', '/experiments/exp_none', {}), absent);
    assert.deepEqual(await api.send('DELETE', '/experiments/exp_none'), absent);
  });
  await t.test('a long name with letters of any script is found by it', async () => {
    const name = '名'.repeat(200);
    await api.must('POST', '/experiments', { name });
    assert.equal((await api.must<Experiment>('GET', `/experiments/${encodeURIComponent(name)}`)).name, name);
  });
  for (const [name, body, pointer, detail] of [
    ['a name of spaces', { name: ' ' }, '/name', 'must match \\S'],
    ['no name', {}, '/name', 'is missing'],
    ['a key that is not known', { name: 'x', 'a/b': 1 }, '/a~1b', 'is not known here'],
    ['a number for a tag', { name: 'x', tags: { seed: 1 } }, '/tags/seed', 'must be string'],
  ] as const) {
    await t.test(`${name} is refused`, async () => {
      const answer = await api.send('POST', '/experiments', body);
      assert.deepEqual(answer, problem(400, 'REQUEST_INVALID', 'Request is not valid', `The body is not valid: ${pointer} ${detail}`, [{ pointer, detail }]));
    });
  }
});
