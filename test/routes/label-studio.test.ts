/** As Label Studio 1.23 sends and reads it: recorded from its server, with project and tasks shortened. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NerResponse } from '../../src/schemas/ner.ts';
import type { TaggerClient } from '../../src/tagging/client.ts';
import { modelPool } from '../../src/tagging/pool.ts';
import { tagging } from '../../src/tagging/tag.ts';
import { fakeModel } from '../tagging/fake-model.ts';
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

test('the text is where Label Studio’s editor finds it', async (t) => {
  const api = await openApi(t);
  for (const [value, data, text] of [
    ['$doc.body', { doc: { body: 'Ana' } }, 'Ana'],
    ['$doc.body', { 'doc.body': 'Eva', doc: { body: 'Ana' } }, 'Eva'],
    ['$pages[1].text', { pages: [{ text: 'Ana' }, { text: 'Eva' }] }, 'Eva'],
    ['$pages[1].text', { pages: [{ text: 'Ana' }] }, ''],
    ['$constructor.name', {}, ''],
  ] as const) {
    await t.test(`${value} of ${JSON.stringify(data)}`, async () => {
      const label_config = LABEL_CONFIG.replace('$text', value);
      const { results } = await api.must<{ results: object[] }>('POST', '/label-studio/mine/predict', { tasks: [{ id: 1, data }], label_config });
      assert.equal(results.length, 1);
      assert.deepEqual(api.asked.pop()?.texts, [text]);
    });
  }
});

test('what is wrong with a task’s text is that task’s alone', async (t) => {
  const pool = modelPool({ find: async () => ({ sizeBytes: 1, load: async () => fakeModel() }), budgetBytes: 1 });
  const tagger = tagging({ pool, checkpointOfAlias: async () => 'ckpt_1', scoredLanguages: async () => [], limit: 1 });
  const api = await openApi(t, { tagger: { tag: tagger.tag } });
  const predicted = async (texts: readonly string[]): Promise<{ found: number[]; warnings: string[] }> => {
    const { results, warnings } = await api.must<{ results: { result: object[] }[]; warnings: string[] }>('POST', '/label-studio/mine/predict', { ...predictRequest(texts), label_config: LABEL_CONFIG.replace('PER"', 'PER,LOC,ORG,MISC"') });
    return { found: results.map(({ result }) => result.length), warnings };
  };

  await t.test('it keeps its place, and is named as the client sent it', async () => {
    const texts = Array.from({ length: 1003 }, (_, index) => (index === 1001 ? 'secret\ud800' : 'Bert'));
    assert.deepEqual(await predicted(texts), {
      found: texts.map((_, index) => (index === 1001 ? 0 : 1)),
      warnings: ['1 tasks have texts that are not read: 1008 (/tasks/1001/data/text has half a surrogate pair at the UTF-16 index 6)'],
    });
    assert.match(api.logged.join(''), /"withoutText":0,"refused":1.*tasks left without a prediction/);
    assert.doesNotMatch(api.logged.join(''), /secret/);
  });
  await t.test('more than one refusal names', async () => {
    const { found, warnings } = await predicted([...Array.from({ length: 250 }, () => '\ud800'), 'Bert']);
    assert.deepEqual([found.indexOf(1), found.at(-1)], [250, 1]);
    assert.match(warnings[0] ?? '', /^250 tasks /);
  });
  await t.test('tasks that are too many words in all are read in parts, and one that is alone is refused', async () => {
    const { found, warnings } = await predicted(['Bert', 'a '.repeat(400_000), 'Bert', 'a '.repeat(500_001), 'Bert']);
    assert.deepEqual(found, [1, 0, 1, 0, 1]);
    assert.deepEqual(warnings, ['1 tasks have texts that are not read: 10 (/tasks/3/data/text has more than 500000 words in all, at most 500000)']);
  });
  await t.test('an id of any kind', async () => {
    const { warnings } = await api.must<{ warnings: string[] }>('POST', '/label-studio/mine/predict', { tasks: [{ id: { toString: 1 }, data: {} }], label_config: LABEL_CONFIG });
    assert.deepEqual(warnings, ['1 tasks have no text under "text" in their data: /tasks/0']);
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
