/** The tagger's server and its client over real HTTP, with a fake model behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { pino, type Logger } from 'pino';
import type { NerResponse } from '../../src/schemas/ner.ts';
import { taggerClient, urlsOfTaggers, type TaggerClient } from '../../src/tagging/client.ts';
import { modelPool } from '../../src/tagging/pool.ts';
import { taggerServer } from '../../src/tagging/server.ts';
import { tagging } from '../../src/tagging/tag.ts';
import { fakeModel, gate, until, type FakeModel, type FakeModelOptions } from './fake-model.ts';

interface Fixture {
  readonly url: string;
  readonly client: TaggerClient;
  readonly model: FakeModel;
  readonly logged: string[];
  /** Until as many requests are at work or waiting. */
  readonly waiting: (count: number) => Promise<void>;
}

async function start(t: TestContext, { limit = 10, bodyLimitBytes, ...options }: FakeModelOptions & { limit?: number; bodyLimitBytes?: number } = {}): Promise<Fixture> {
  const model = fakeModel(options);
  const pool = modelPool({ find: async () => ({ sizeBytes: 1, load: async () => model }), budgetBytes: 1 });
  const logged: string[] = [];
  const log: Logger = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
  const tagger = tagging({ pool, checkpointOfAlias: async (alias) => (alias === 'default' ? 'ckpt_1' : null), scoredLanguages: async () => [], limit });
  const server = taggerServer({ tagging: tagger, device: 'cpu', models: pool.loaded, log, ...(bodyLimitBytes !== undefined && { bodyLimitBytes }) });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = clientAt(t, url);
  t.after(() => server.close());
  return { url, client, model, logged, waiting: (count) => until(() => tagger.waiting() === count) };
}

function clientAt(t: TestContext, url: string | null, timeoutMs?: number): TaggerClient {
  const client = taggerClient({ locate: async () => (url === null ? [] : [url]), ...(timeoutMs !== undefined && { timeoutMs }) });
  t.after(() => client.close());
  return client;
}

test('A request over HTTP is answered as in process, and the log holds none of its text', async (t) => {
  const { client, logged } = await start(t);
  const { results, model } = await client.tag({ text: 'dear Bert 😀', offsetUnit: 'byte' });
  assert.deepEqual(results[0]?.entities.map(({ text, start, end }) => [text, start, end]), [['Bert', 5, 9], ['😀', 10, 14]]);
  assert.equal(model.checkpointId, 'ckpt_1');
  assert.deepEqual(await client.ready(), { ok: true, device: 'cpu' });
  assert.doesNotMatch(logged.join(''), /Bert|dear/);
});

test('Errors of the tagger come out of the client as they were thrown', async (t) => {
  const { client } = await start(t);
  await assert.rejects(client.tag({ text: 'a', model: 'other' }), { name: 'MtmtError', code: 'MODEL_NOT_FOUND', status: 404, message: 'There is no model "other"' });
  await assert.rejects(client.tag({ texts: ['a', 'word '.repeat(30)], overflow: 'error' }), { code: 'TEXT_TOO_LONG', status: 422, errors: [{ pointer: '/texts/1', detail: '60 pieces, at most 20' }] });
  await assert.rejects(client.tag({ text: 'a\ud800' }), { code: 'TEXT_NOT_UNICODE', status: 422 });
});

test('The server refuses what is no request, and neither answers nor logs what it read', async (t) => {
  const { url, logged } = await start(t);
  const post = async (body: string): Promise<[number, unknown]> => {
    const response = await fetch(new URL('/tag', url), { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    return [response.status, await response.json()];
  };
  assert.deepEqual(await post('secret'), [400, { code: 'NER_INPUT_INVALID', detail: 'The body is not valid JSON' }]);
  const [status, problem] = await post('{"text":"secret","thresold":1}');
  assert.equal(status, 400);
  assert.match(JSON.stringify(problem), /additional properties/);
  assert.doesNotMatch(logged.join(''), /secret/);
});

test('Half a surrogate pair that JSON can write is refused with each place, and NUL is text', async (t) => {
  const { url } = await start(t);
  const post = (body: string): Promise<Response> => fetch(new URL('/tag', url), { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  const refused = await post('{"texts":["\\ud83d\\ude00","\\ud83d","a\\ude00"]}');
  const detail = (index: number): string => `half a surrogate pair at the UTF-16 index ${index}`;
  assert.deepEqual([refused.status, await refused.json()], [
    422,
    { code: 'TEXT_NOT_UNICODE', detail: `/texts/1 has ${detail(0)}`, errors: [{ pointer: '/texts/1', detail: detail(0) }, { pointer: '/texts/2', detail: detail(1) }] },
  ]);
  const taken = (await (await post('{"text":"\\u0000Bert\\u0000"}')).json()) as NerResponse;
  assert.deepEqual(taken.results[0]?.entities.map(({ text, start, end }) => [text, start, end]), [['Bert', 1, 5]]);
});

test('A body over the limit is refused with both sizes', async (t) => {
  const { url, client } = await start(t, { bodyLimitBytes: 1000 });
  const response = await fetch(new URL('/tag', url), { method: 'POST', body: JSON.stringify({ text: 'a'.repeat(2000) }), headers: { 'content-type': 'application/json' } });
  const detail = 'The body has 2011 bytes, at most 1000 are taken; send texts in several requests, and a dataset as a file (multipart/form-data)';
  assert.deepEqual([response.status, await response.json()], [413, { code: 'BODY_TOO_LARGE', detail }]);
  await assert.rejects(client.tag({ text: 'a'.repeat(2000) }), { code: 'BODY_TOO_LARGE', status: 413, message: detail });
});

test('When it is full the server says so and when to come again', async (t) => {
  const { work, open } = gate();
  const { url, client, waiting } = await start(t, { limit: 1, work });
  const first = client.tag({ text: 'a' });
  await waiting(1);
  const second = await fetch(new URL('/tag', url), { method: 'POST', body: '{"text":"b"}', headers: { 'content-type': 'application/json' } });
  assert.deepEqual([second.status, second.headers.get('retry-after')], [503, '1']);
  await assert.rejects(client.tag({ text: 'b' }), { code: 'OVERLOADED', status: 503, retryAfterSeconds: 1 });
  open();
  await first;
});

test('One client leaves room for another', async (t) => {
  const { work, open } = gate();
  const { client, waiting } = await start(t, { limit: 4, work });
  const taken = [1, 2, 3].map(() => client.tag({ text: 'a' }, { client: 'one' }));
  await waiting(3);
  await assert.rejects(client.tag({ text: 'b' }, { client: 'one' }), { code: 'OVERLOADED' });
  const other = client.tag({ text: 'c' }, { client: 'other' });
  await waiting(4);
  open();
  await Promise.all([...taken, other]);
  await client.tag({ text: 'd' }, { client: 'one' });
});

test('What the client gives up is not computed', async (t) => {
  const { work, open } = gate();
  const { client, model, waiting } = await start(t, { work });
  const aborting = new AbortController();
  const first = client.tag({ text: 'first' });
  await waiting(1);
  const second = client.tag({ text: 'second' }, { signal: aborting.signal });
  await waiting(2);
  aborting.abort();
  await assert.rejects(second, { name: 'AbortError' });
  await waiting(1);
  open();
  await first;
  await client.tag({ text: 'third' });
  assert.deepEqual(model.calls.flat(2), ['first', 'third']);
});

test('Of two hundred clients some give up, and all others get their own answer', async (t) => {
  const { work, open, begun } = gate();
  const { client, model, waiting } = await start(t, { limit: 200, work });
  const first = client.tag({ text: 'first' });
  await until(() => begun() === 1);
  const names = Array.from({ length: 199 }, (_, index) => `Name${index}`);
  const leaving = names.map(() => new AbortController());
  const leaves = (index: number): boolean => index % 10 === 0;
  const answers = Promise.allSettled(names.map((name, index) => client.tag({ text: `dear ${name} !` }, { signal: leaving[index]?.signal ?? assert.fail() })));
  await waiting(200);
  leaving.forEach((client, index) => leaves(index) && client.abort());
  await waiting(180);
  open();
  for (const [index, answer] of (await answers).entries()) {
    if (leaves(index)) assert.equal(answer.status === 'rejected' && (answer.reason as Error).name, 'AbortError');
    else assert.equal(answer.status === 'fulfilled' && answer.value.results[0]?.entities[0]?.text, names[index]);
  }
  await first;
  assert.deepEqual(model.calls.flat(2).filter((word) => word.startsWith('Name')).sort(), names.filter((_, index) => !leaves(index)).sort());
  assert.ok((await client.ready()).ok);
});

test('Without a tagger the client says so', async (t) => {
  await assert.rejects(clientAt(t, null).tag({ text: 'a' }), { code: 'TAGGER_UNAVAILABLE', status: 503, message: /none has reported itself/ });
  const closed = await serverOf(t, () => undefined);
  closed.server.close();
  await assert.rejects(clientAt(t, closed.url).tag({ text: 'a' }), { code: 'TAGGER_UNAVAILABLE', message: /does not answer/ });
  assert.equal((await clientAt(t, closed.url).ready()).ok, false);
});

test('A tagger that hangs is not waited for longer than allowed', async (t) => {
  const { url } = await serverOf(t, () => undefined);
  await assert.rejects(clientAt(t, url, 50).tag({ text: 'a' }), { code: 'TAGGER_UNAVAILABLE', message: /within 0.05 s/ });
});

test('A connection that the tagger has closed is opened anew', async (t) => {
  let requests = 0;
  const { url } = await serverOf(t, (request, respond) => (requests++ === 0 ? request.socket.destroy() : respond({ ok: true })));
  assert.deepEqual(await clientAt(t, url).ready(), { ok: true });
});

test('Taggers take turns, and one that is gone or ending is passed over', async (t) => {
  const named = (name: string) => serverOf(t, (_request, respond) => respond({ ok: true, device: name }));
  const [one, two, gone] = [await named('one'), await named('two'), await named('gone')];
  const ending = await serverOf(t, (_request, respond) => respond({ statusCode: 503, error: 'Service Unavailable' }, 503));
  gone.server.close();
  let located = 0;
  const client = taggerClient({
    locate: async () => {
      located++;
      return [one.url, gone.url, ending.url, two.url];
    },
  });
  t.after(() => client.close());
  const devices: (string | undefined)[] = [];
  for (let i = 0; i < 6; i++) devices.push((await client.ready()).device);
  assert.deepEqual([devices.filter((name) => name === 'one').length, devices.filter((name) => name === 'two').length], [3, 3], devices.join());
  assert.ok(located < 6, 'addresses are kept');
});

test('A tagger on the loopback address of another machine is not one of this machine', () => {
  const at = (host: string, url?: string): { host: string; detail: Record<string, unknown> } => ({ host, detail: { ...(url !== undefined && { url }) } });
  const processes = [at('b', 'http://127.0.0.1:1'), at('a', 'http://127.0.0.1:2'), at('b', 'http://10.0.0.2:3'), at('b', 'http://[::1]:4'), at('b', 'http://localhost:5'), at('a')];
  assert.deepEqual(urlsOfTaggers(processes, 'a'), ['http://127.0.0.1:2', 'http://10.0.0.2:3']);
});

type Respond = (body: object, status?: number) => void;

async function serverOf(t: TestContext, handle: (request: { socket: { destroy(): void } }, respond: Respond) => void): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => handle(request, (body, status = 200) => response.writeHead(status).end(JSON.stringify(body))));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
