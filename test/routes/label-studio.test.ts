/** As Label Studio 1.23 sends and reads it: recorded from its server, with project and tasks shortened. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NerResponse } from '../../src/schemas/ner.ts';
import type { TaggerClient } from '../../src/tagging/client.ts';
import { putModel } from '../../src/store/models.ts';
import { runningRun } from '../store/rows.ts';
import { ENCODER, openApi, problem } from './api.ts';

const LABEL_CONFIG = '<View><Labels name="label" toName="text"><Label value="Person" predicted_values="PER"/></Labels><Text name="text" value="$text"/></View>';
const SETUP = { project: '5.1795750000', schema: LABEL_CONFIG, hostname: 'http://localhost:8080', access_token: 'token', extra_params: null };

function predictRequest(texts: readonly unknown[]): object {
  const tasks = texts.map((text, index) => ({ id: 7 + index, data: { text }, meta: {}, project: 5, is_labeled: false, annotations: [], predictions: [] }));
  return { tasks, project: '5.1795750000', label_config: LABEL_CONFIG, params: { login: null, password: null, context: null } };
}

function region(text: string, start: number, end: number): object {
  return { from_name: 'label', to_name: 'text', type: 'labels', value: { start, end, text, labels: ['Person'] }, score: 0.5 };
}

test('a project connects to a model by its name', async (t) => {
  const api = await openApi(t);
  const noModel = 'There is no model yet: the first student that succeeds becomes the model "default", or PUT /models/default';

  await t.test('health', async () => {
    assert.deepEqual(await api.send('GET', '/label-studio/default/health'), { status: 200, body: { status: 'UP', model_class: 'mtmt' } });
  });
  await t.test('without a model the set-up says so, in the line that Label Studio shows', async () => {
    assert.deepEqual(await api.send('POST', '/label-studio/default/setup', SETUP), problem(409, 'NO_MODEL', 'No model yet', noModel));
    const answer = await api.app.inject({ method: 'POST', url: '/label-studio/default/setup', payload: SETUP });
    assert.equal(answer.statusMessage, noModel);
  });
  await t.test('a config without labels over text is refused', async () => {
    const detail = 'The label config does not fit: it has no Labels over a Text';
    assert.deepEqual(await api.send('POST', '/label-studio/default/setup', { ...SETUP, schema: '<View/>' }), problem(422, 'LABEL_CONFIG_INVALID', 'Label config does not fit', detail));
  });

  const { checkpointId } = await runningRun(api.store);
  await putModel(api.store, 'mine', checkpointId);
  for (const model of ['mine', checkpointId]) {
    await t.test(`the version of ${model === 'mine' ? 'an alias' : 'a checkpoint'} is the checkpoint`, async () => {
      assert.deepEqual(await api.must('POST', `/label-studio/${model}/setup`, SETUP), { model_version: checkpointId });
      assert.deepEqual(await api.must('GET', `/label-studio/${model}/versions`), { versions: [checkpointId] });
    });
  }
  for (const model of ['other', 'ckpt_none']) {
    await t.test(`${model} is not there`, async () => {
      assert.deepEqual(await api.send('POST', `/label-studio/${model}/setup`, SETUP), problem(404, 'MODEL_NOT_FOUND', 'No such model', `There is no model "${model}"`));
    });
  }
});

test('tasks become predictions in their order', async (t) => {
  const api = await openApi(t);
  const version = { model_version: 'ckpt_1' };

  await t.test('regions hold the project’s names and labels', async () => {
    const body = { results: [{ result: [region('Ana', 0, 3)], score: 0.5, ...version }, { result: [], score: null, ...version }], warnings: [] };
    assert.deepEqual(await api.send('POST', '/label-studio/mine/predict', predictRequest(['Ana lives in Lugo 😀', ''])), { status: 200, body });
    assert.deepEqual(api.asked.pop(), { texts: ['Ana lives in Lugo 😀', ''], model: 'mine', offsetUnit: 'codepoint', threshold: 0 });
    assert.ok(!api.logged.join('').includes('Ana'));
  });
  await t.test('a task without text keeps its place, and is named', async () => {
    const body = {
      results: [{ result: [], score: null, ...version }, { result: [region('Eva', 0, 3)], score: 0.5, ...version }],
      warnings: ['1 tasks have no text under "text" in their data: 7'],
    };
    assert.deepEqual(await api.send('POST', '/label-studio/mine/predict', predictRequest([12, 'Eva'])), { status: 200, body });
  });
  await t.test('more tasks than one request to tag may hold', async () => {
    const { results } = await api.must<{ results: { result: object[] }[] }>('POST', '/label-studio/mine/predict', predictRequest(Array.from({ length: 1001 }, (_, index) => `N${index}`)));
    assert.deepEqual(results.map(({ result }) => result.length), Array.from({ length: 1001 }, () => 1));
    assert.deepEqual(results[1000]?.result, [region('N1000', 0, 5)]);
  });
  await t.test('no tasks give no results', async () => {
    assert.deepEqual(await api.must('POST', '/label-studio/mine/predict', predictRequest([])), { results: [], warnings: [] });
  });
});

test('labels that the project lacks are left out and said', async (t) => {
  const entity = (label: string, start: number): object => ({ label, text: 'Ana', start, end: start + 3, score: 0.25 });
  const results = [{ entities: [entity('MISC', 0), entity('person', 4), entity('MISC', 8)], language: null, truncated: false, windows: 1, pieces: 3 }];
  const tag: TaggerClient['tag'] = async () => ({ results, model: { alias: 'default', checkpointId: 'ckpt_1', runId: 'run_1', encoder: ENCODER }, warnings: [] }) as NerResponse;
  const api = await openApi(t, { tagger: { tag } });
  assert.deepEqual(await api.must('POST', '/label-studio/default/predict', predictRequest(['Ana Ana Ana'])), {
    results: [{ result: [{ ...region('Ana', 4, 7), score: 0.25 }], score: 0.25, model_version: 'ckpt_1' }],
    warnings: ['The label config has no label for the model’s MISC: 2 entities were left out; predicted_values="MISC" names it'],
  });
  assert.match(api.logged.join(''), /"labels":\["MISC"\].*entities left out/);
});

test('what Label Studio tells of annotations is not kept, and a training is not begun by it', async (t) => {
  const api = await openApi(t);
  assert.deepEqual(await api.send('POST', '/label-studio/default/webhook', { action: 'ANNOTATION_CREATED', annotation: { id: 1 } }), { status: 200, body: { status: 'ignored' } });
  const detail = 'Label Studio cannot start a training here: upload its export as a dataset, then start a run';
  assert.deepEqual(await api.send('POST', '/label-studio/default/webhook', { action: 'START_TRAINING', project: { id: 5 } }), problem(422, 'BACKEND_CANNOT_TRAIN', 'Not trained from here', detail));
});
