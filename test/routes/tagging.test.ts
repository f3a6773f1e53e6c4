/** POST /ner and Hugging Face's shape of it. The tagger itself is tested beside its process. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'node:test';
import { fail } from '../../src/errors.ts';
import type { TaggerClient } from '../../src/tagging/client.ts';
import { modelPool } from '../../src/tagging/pool.ts';
import { tagging } from '../../src/tagging/tag.ts';
import { fakeModel } from '../tagging/fake-model.ts';
import { ENCODER, openApi, problem } from './api.ts';

const TEXT = 'Ana lives in 京都 😀';
const ANA = { label: 'PER', text: 'Ana', start: 0, end: 3, score: 0.5 };
const MODEL = { alias: 'default', checkpointId: 'ckpt_1', runId: 'run_1', encoder: ENCODER };
const RESULT = { entities: [ANA], language: null, truncated: false, windows: 1, pieces: 3 };

test('/ner', async (t) => {
  const api = await openApi(t);

  await t.test('the tagger is asked what came, no default filled in', async () => {
    const asked = { text: TEXT, model: 'default', language: 'es', offsetUnit: 'utf16', threshold: 0.1 };
    assert.deepEqual(await api.send('POST', '/ner', asked), { status: 200, body: { results: [RESULT], model: MODEL, warnings: [] } });
    assert.deepEqual(api.asked.pop(), asked);
  });
  await t.test('text is not refused for what a database would not keep', async () => {
    assert.equal((await api.send('POST', '/ner', { text: 'a\0b' })).status, 200);
  });
  await t.test('the log has none of it', () => assert.ok(!api.logged.join('').includes('Ana')));
  for (const [name, body, pointer, detail] of [
    ['an unknown key', { text: 'a', offsets: 'utf16' }, '/offsets', 'is not known here'],
    ['an aggregation that is none', { text: 'a', aggregation: 'last' }, '/aggregation', 'must be one of "none", "simple", "first", "average", "max"'],
    ['a number for text', { text: 1 }, '/text', 'must be string'],
    ['no texts', { texts: [] }, '/texts', 'must NOT have fewer than 1 items'],
    ['a threshold above 1', { text: 'a', threshold: 2 }, '/threshold', 'must be <= 1'],
    ['a model that can be none', { text: 'a', model: 'a\0' }, '/model', 'must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'],
  ] as const) {
    await t.test(`${name} is refused`, async () => {
      assert.deepEqual(await api.send('POST', '/ner', body), problem(400, 'REQUEST_INVALID', 'Request is not valid', `The body is not valid: ${pointer} ${detail}`, [{ pointer, detail }]));
    });
  }
});

test('a refusal names up to 100 places of a small body, and of a large one the first', { timeout: 60_000 }, async (t) => {
  const api = await openApi(t);
  const wrong = (count: number): object => ({ texts: Array.from({ length: count }, () => 1) });
  const placesIn = async (url: string, body: object): Promise<[number, (string | undefined)[]]> => {
    const answer = await api.send('POST', url, body);
    return [answer.status, (answer.body as { errors: { pointer?: string }[] }).errors.map(({ pointer }) => pointer)];
  };
  assert.deepEqual(await placesIn('/ner', wrong(3)), [400, ['/texts/0', '/texts/1', '/texts/2']]);
  assert.equal((await placesIn('/ner', wrong(10_000)))[1].length, 100);
  assert.deepEqual(await placesIn('/ner', wrong(1_000_000)), [400, ['/texts/0']]);
  await t.test('a key of any length is named in short', async () => {
    const [status, [pointer = '']] = await placesIn('/ner', { text: 'a', ['k'.repeat(1_000_000)]: 1 });
    assert.deepEqual([status, pointer.length], [400, 501]);
  });
});

test('/hf/token-classification', async (t) => {
  const api = await openApi(t);
  const item = { entity_group: 'PER', score: 0.5, word: 'Ana', start: 0, end: 3 };

  await t.test('one text gives a list', async () => {
    assert.deepEqual(await api.send('POST', '/hf/token-classification', { inputs: TEXT }), { status: 200, body: [item] });
    assert.deepEqual(api.asked.pop(), { texts: [TEXT], aggregation: 'simple' });
  });
  await t.test('several give a list each', async () => {
    assert.deepEqual(await api.send('POST', '/hf/token-classification', { inputs: [TEXT, ''], options: { wait_for_model: true } }), { status: 200, body: [[item], []] });
  });
  await t.test('without aggregation words carry tags', async () => {
    const { entity_group: _, ...word } = item;
    const body = { inputs: TEXT, model: 'other', parameters: { aggregation_strategy: 'none' } };
    assert.deepEqual(await api.send('POST', '/hf/token-classification', body), { status: 200, body: [{ ...word, entity: 'B-PER' }] });
    assert.deepEqual(api.asked.pop(), { texts: [TEXT], aggregation: 'none', model: 'other' });
  });
  await t.test('labels that are ignored are left out', async () => {
    assert.deepEqual(await api.send('POST', '/hf/token-classification', { inputs: TEXT, parameters: { ignore_labels: ['PER'] } }), { status: 200, body: [] });
  });
  await t.test('all that huggingface_hub sends is taken', async () => {
    const parameters = { aggregation_strategy: 'max', ignore_labels: ['LOC'], stride: 2 };
    assert.deepEqual(await api.send('POST', '/hf/token-classification', { inputs: TEXT, parameters }), { status: 200, body: [item] });
    assert.deepEqual(api.asked.pop(), { texts: [TEXT], aggregation: 'max' });
  });
  await t.test('a parameter that the task has not is refused by name', async () => {
    const { status, body } = await api.send('POST', '/hf/token-classification', { inputs: TEXT, parameters: { strides: 2 } });
    assert.deepEqual([status, (body as { errors: object[] }).errors], [400, [{ pointer: '/parameters/strides', detail: 'is not known here' }]]);
  });
  await t.test('inputs are text', async () => {
    const { status, body } = await api.send('POST', '/hf/token-classification', { inputs: 1 });
    assert.deepEqual([status, (body as { errors: object[] }).errors], [400, [{ pointer: '/inputs', detail: 'must be string, must be array' }]]);
  });
  for (const nothing of [{ parameters: null, options: null }, { parameters: { stride: null, aggregation_strategy: null, ignore_labels: null } }]) {
    await t.test(`${JSON.stringify(nothing)} says nothing`, async () => {
      assert.deepEqual(await api.send('POST', '/hf/token-classification', { inputs: TEXT, ...nothing }), { status: 200, body: [item] });
      assert.deepEqual(api.asked.pop(), { texts: [TEXT], aggregation: 'simple' });
    });
  }
});

test('what is over a limit of tagging is refused by all routes with 422, both numbers and the client’s own pointers', async (t) => {
  const pool = modelPool({ find: async () => ({ sizeBytes: 1, load: async () => fakeModel() }), budgetBytes: 1 });
  const tagger = tagging({ pool, checkpointOfAlias: async () => 'ckpt_1', scoredLanguages: async () => [], limit: 1 });
  const api = await openApi(t, { tagger: { tag: tagger.tag } });
  const [spaces, emoji] = [' '.repeat(2_000_001), '😀'.repeat(1_000_001)];
  for (const [name, url, body, code, detail, pointers] of [
    ['a text', '/ner', { text: spaces }, 'TEXT_TOO_LONG', '/text has 2000001 UTF-16 units, at most 2000000 are read', ['/text']],
    ['two texts, counted alike', '/ner', { texts: ['', emoji, spaces] }, 'TEXT_TOO_LONG', '/texts/1 has 2000002 UTF-16 units, at most 2000000 are read', ['/texts/1', '/texts/2']],
    ['a sentence', '/ner', { tokens: [['a'], ['a'.repeat(1_000_000), 'b'.repeat(1_000_000)]] }, 'TEXT_TOO_LONG', '/tokens/1 has 2000001 UTF-16 units, at most 2000000 are read', ['/tokens/1']],
    ['a thousand and one texts', '/ner', { texts: Array.from({ length: 1001 }, () => '') }, 'TEXT_TOO_LONG', '/texts has 1001 texts, at most 1000 are read', ['/texts']],
    ['a thousand and one sentences', '/ner', { tokens: Array.from({ length: 1001 }, () => []) }, 'TEXT_TOO_LONG', '/tokens has 1001 sentences, at most 1000 are read', ['/tokens']],
    ['half a million and one words', '/ner', { tokens: [Array.from({ length: 500_001 }, () => '')] }, 'TEXT_TOO_LONG', 'The request has 500001 words in all, at most 500000 are read', ['']],
    ['an input', '/hf/token-classification', { inputs: emoji }, 'TEXT_TOO_LONG', '/inputs has 2000002 UTF-16 units, at most 2000000 are read', ['/inputs']],
    ['too many inputs', '/hf/token-classification', { inputs: Array.from({ length: 1001 }, () => '') }, 'TEXT_TOO_LONG', '/inputs has 1001 texts, at most 1000 are read', ['/inputs']],
    ['an input that is no Unicode', '/hf/token-classification', { inputs: '\ud800' }, 'TEXT_NOT_UNICODE', '/inputs has half a surrogate pair at the UTF-16 index 0', ['/inputs']],
    ['one of several inputs', '/hf/token-classification', { inputs: ['', 'a\ud800'] }, 'TEXT_NOT_UNICODE', '/inputs/1 has half a surrogate pair at the UTF-16 index 1', ['/inputs/1']],
  ] as const) {
    await t.test(name, async () => {
      const { status, body: found } = await api.send('POST', url, body);
      const problem = found as { code: string; detail: string; errors: { pointer: string }[] };
      assert.deepEqual([status, problem.code, problem.detail, problem.errors.map(({ pointer }) => pointer)], [422, code, detail, pointers]);
    });
  }
});

test('what the tagger refuses is answered as it says', async (t) => {
  const [pointer, index] = ['/text', 1];
  const cases: [name: string, error: Error, expected: object, retryAfter: string | undefined][] = [
    ['no model yet', fail('NO_MODEL', {}), problem(409, 'NO_MODEL', 'No model yet', 'There is no model yet: the first student that succeeds becomes the model "default", or PUT /models/default'), undefined],
    ['half a surrogate pair', fail('TEXT_NOT_UNICODE', { pointer, index }), problem(422, 'TEXT_NOT_UNICODE', 'Text is not Unicode', '/text has half a surrogate pair at the UTF-16 index 1'), undefined],
    ['too busy', fail('OVERLOADED', { requests: 9, pieces: 700, retryAfterSeconds: 3 }, { retryAfterSeconds: 3 }), problem(503, 'OVERLOADED', 'Too busy', '9 requests are at work or waiting, with 700 pieces to read; try again in 3 s'), '3'],
    ['not there', fail('TAGGER_UNAVAILABLE', { detail: 'it does not answer' }), problem(503, 'TAGGER_UNAVAILABLE', 'The tagger is not available', 'The tagger is not available: it does not answer'), '1'],
    ['broken inside', new Error('secret'), problem(500, 'INTERNAL', 'Internal error', 'Something went wrong on our side'), undefined],
  ];
  let error: Error;
  const api = await openApi(t, { tagger: { tag: async () => Promise.reject(error) } });
  for (const [name, thrown, expected, retryAfter] of cases) {
    await t.test(name, async () => {
      error = thrown;
      assert.deepEqual(await api.send('POST', '/ner', { text: 'a' }), expected);
      assert.equal((await api.app.inject({ method: 'POST', url: '/ner', payload: { text: 'a' } })).headers['retry-after'], retryAfter);
    });
  }
});

test('a client that leaves is told to the tagger, and is no error', { timeout: 20_000 }, async (t) => {
  let came: (left: AbortSignal) => void = () => undefined;
  const tag: TaggerClient['tag'] = (_, { signal = assert.fail() } = {}) =>
    new Promise((_resolve, reject) => {
      came(signal);
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
  const api = await openApi(t, { tagger: { tag } });
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const labelConfig = '<View><Labels name="label" toName="text"/><Text name="text" value="$text"/></View>';
  for (const [path, body] of [
    ['/ner', { text: 'a' }],
    ['/hf/token-classification', { inputs: 'a' }],
    ['/label-studio/default/predict', { tasks: [{ data: { text: 'a' } }], label_config: labelConfig }],
  ] as const) {
    const coming = new Promise<AbortSignal>((resolve) => (came = resolve));
    const sent = request(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' } }).on('error', () => undefined);
    sent.end(JSON.stringify(body));
    const signal = await coming;
    sent.destroy();
    if (!signal.aborted) await once(signal, 'abort');
    await new Promise(setImmediate); // the refusal that follows from it, too
  }
  const lines = (): { level: number; status?: number; msg: string }[] => api.logged.map((line) => JSON.parse(line) as { level: number; msg: string });
  const requests = (): (number | undefined)[] => lines().flatMap(({ msg, status }) => (msg === 'request' ? [status] : []));
  assert.deepEqual(requests(), [499, 499, 499]);
  assert.deepEqual(lines().filter(({ level }) => level >= 40), []);
  const { payload } = await api.app.inject('/metrics');
  assert.match(payload, /route="\/ner",status="499"\} 1/);
  assert.doesNotMatch(payload, /status="500"/);
});

test('the tagger hears whose turn a request takes, and no key', async (t) => {
  const clients: (string | undefined)[] = [];
  const tag: TaggerClient['tag'] = async (_, { client } = {}) => {
    clients.push(client);
    return { results: [RESULT], model: MODEL, warnings: [] };
  };
  const api = await openApi(t, { apiKeys: 'first\nsecond\n', tagger: { tag } });
  const labelConfig = '<View><Labels name="label" toName="text"><Label value="PER"/></Labels><Text name="text" value="$text"/></View>';
  for (const [url, body] of [
    ['/ner', { text: TEXT }],
    ['/hf/token-classification', { inputs: TEXT }],
    ['/label-studio/default/predict', { tasks: [{ id: 1, data: { text: TEXT } }], label_config: labelConfig }],
  ] as const) {
    for (const key of ['first', 'second']) assert.equal((await api.send('POST', url, body, { authorization: `Bearer ${key}` })).status, 200, url);
  }
  const [first, second, ...others] = clients;
  assert.notEqual(first, second);
  assert.deepEqual(others, [first, second, first, second]);
  assert.ok(clients.every((client) => client !== undefined && !/first|second/.test(client)));
});

test('a key is one client, however it is sent', async (t) => {
  const clients = new Set<string | undefined>();
  const tag: TaggerClient['tag'] = async (_, { client } = {}) => {
    clients.add(client);
    return { results: [RESULT], model: MODEL, warnings: [] };
  };
  const api = await openApi(t, { apiKeys: 'first\n', tagger: { tag } });
  const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
  for (const authorization of ['Bearer first', 'bearer first', 'Bearer   first', basic('a:first'), basic('b:first')]) {
    assert.equal((await api.send('POST', '/ner', { text: TEXT }, { authorization })).status, 200, authorization);
  }
  assert.equal(clients.size, 1);
});

for (const [trustProxy, remoteAddress, expected] of [[false, '10.0.0.1', 1], [['10.0.0.0/8'], '10.0.0.1', 2], [['10.0.0.0/8'], '11.0.0.1', 1], [true, '11.0.0.1', 2]] as const) {
  test(`two clients of a proxy at ${remoteAddress} are ${expected} where ${String(trustProxy)} is trusted`, async (t) => {
    const clients = new Set<string | undefined>();
    const tag: TaggerClient['tag'] = async (_, { client } = {}) => {
      clients.add(client);
      return { results: [RESULT], model: MODEL, warnings: [] };
    };
    const { app } = await openApi(t, { trustProxy, tagger: { tag } });
    for (const address of ['192.0.2.1', '192.0.2.2']) await app.inject({ method: 'POST', url: '/ner', payload: { text: TEXT }, remoteAddress, headers: { 'x-forwarded-for': address } });
    assert.equal(clients.size, expected);
  });
}
