import assert from 'node:assert/strict';
import { test } from 'node:test';
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
