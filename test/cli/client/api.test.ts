import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { apiClient } from '../../../src/cli/client/api.ts';
import { fakeService, SUCCEEDED } from './fixtures.ts';

test('Reading goes on after the API was started again', async (t) => {
  const service = await fakeService(t, { runs: [] });
  service.breakNext(1);
  assert.equal(await apiClient(service.url).isReady(), true);
});

test('What may have taken effect is not sent twice', async (t) => {
  const service = await fakeService(t, { runs: [{ kind: 'student', states: [SUCCEEDED] }] });
  service.breakNext(1);
  await assert.rejects(apiClient(service.url).submitPipeline({ datasets: {} }), { message: `POST ${service.url}/pipelines: the service does not answer` });
  assert.deepEqual(service.received, []);
});

test('An answer that is not JSON is shown', async (t) => {
  const service = await fakeService(t, { runs: [] });
  service.fail('GET /runs', 502, 'Bad Gateway' as unknown as object);
  await assert.rejects(apiClient(service.url).runs('demo'), { message: `GET ${service.url}/runs?limit=200&experiment=demo answered 502 with what is not JSON: Bad Gateway` });
});

test('Aborting ends a request that waits for the service', async (t) => {
  const service = await fakeService(t, { runs: [] });
  service.breakNext(1_000);
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(), 20);
  await assert.rejects(apiClient(service.url, { signal: leaving.signal }).isReady(), { name: 'AbortError' });
});

test('A text takes as long as it takes: what limits fetch does not end its request', async (t) => {
  const url = await serve(t, ({ method }, response) => {
    // others are never answered
    if (method === 'POST') setTimeout(() => response.end('{"results":[],"warnings":[]}'), 2_500);
  });
  await limitFetch(t);
  await assert.rejects(fetch(url), { message: 'fetch failed' });
  assert.deepEqual((await apiClient(url).tag({ text: 'a' })).results, []);
});

test('Aborting ends a request for tags, however long it takes', async (t) => {
  const leaving = new AbortController();
  const url = await serve(t, () => leaving.abort());
  await assert.rejects(apiClient(url, { signal: leaving.signal }).tag({ text: 'a' }), { name: 'AbortError' });
});

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What fetch waits 300 s for by itself, it now waits about a second for. */
async function limitFetch(t: TestContext): Promise<void> {
  await fetch('data:,'); // loads what makes the dispatcher
  const key = Symbol.for('undici.globalDispatcher.1');
  const global = globalThis as unknown as Record<symbol, object>;
  const before = global[key];
  assert.ok(before !== undefined);
  const Dispatcher = before.constructor as new (o: { headersTimeout: number }) => object;
  global[key] = new Dispatcher({ headersTimeout: 500 });
  t.after(() => void (global[key] = before));
}
