/** Health, metrics, documents, the page, API keys; and errors that no route has. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { seen } from '../../src/store/processes.ts';
import { ENCODER, masked, openApi, problem } from './api.ts';

test('health', async (t) => {
  const api = await openApi(t);
  const ready = { status: 'ready', database: { ok: true }, worker: { ok: true, device: 'cpu' }, tagger: { ok: true, device: 'cpu' } };

  await t.test('the process lives', async () => assert.deepEqual(await api.send('GET', '/health/live'), { status: 200, body: { status: 'live' } }));
  await t.test('without a worker it is not ready, and says why', async () => {
    const body = { ...ready, status: 'not ready', worker: { ok: false, reason: 'no worker has shown itself for a minute' } };
    assert.deepEqual(await api.send('GET', '/health/ready'), { status: 503, body });
  });
  await t.test('with all parts it is ready', async () => {
    await seen(api.store, { processId: 'w', role: 'worker', host: 'here', device: 'cpu' });
    assert.deepEqual(await api.send('GET', '/health/ready'), { status: 200, body: ready });
  });
});

test('without tagger and database it is not ready, and says why', async (t) => {
  const api = await openApi(t, { tagger: { ready: async () => ({ ok: false, reason: 'none has reported itself' }) } });
  const { store } = api.app.dependencies;
  const broken = new Proxy(store, { get: (target, key) => (key === '$queryRaw' ? () => Promise.reject(new Error('down')) : Reflect.get(target, key) as unknown) });
  const { healthRoutes } = await import('../../src/routes/health.ts');
  const { default: fastify } = await import('fastify');
  const app = fastify();
  app.decorate('dependencies', { ...api.app.dependencies, store: broken });
  await app.register(healthRoutes as never);
  t.after(() => app.close());
  const answer = await app.inject({ method: 'GET', url: '/health/ready' });
  assert.deepEqual([answer.statusCode, answer.json()], [
    503,
    {
      status: 'not ready',
      database: { ok: false, reason: 'it does not answer' },
      worker: { ok: false, reason: 'only the database knows, which does not answer' },
      tagger: { ok: false, reason: 'none has reported itself' },
    },
  ]);
});

test('documents', async (t) => {
  const api = await openApi(t);
  await t.test('encoders are those installed', async () => {
    const { status, body } = await api.send('GET', '/encoders');
    const encoder = { encoderId: ENCODER, source: 'a fixture', architecture: 'bert', layers: 2, hiddenSize: 32, vocabularySize: 120, sizeBytes: 1, digest: '<digest>', license: 'Apache-2.0' };
    const [first] = (body as { items: typeof encoder[] }).items;
    assert.deepEqual([status, body], [200, { items: [{ ...encoder, layers: first?.layers, hiddenSize: first?.hiddenSize, vocabularySize: first?.vocabularySize }], nextCursor: null }]);
  });
  await t.test('the OpenAPI document is served', async () => {
    const { status, body } = await api.send('GET', '/openapi.json');
    assert.deepEqual([status, (body as { openapi: string }).openapi], [200, '3.1.0']);
  });
  for (const [url, type, text] of [
    ['/docs', 'text/html', 'swagger-ui'],
    ['/', 'text/html', 'href="/docs"'],
    ['/metrics', 'text/plain', 'mtmt_http_request_duration_seconds_bucket'],
  ] as const) {
    await t.test(`${url} is ${type}`, async () => {
      const answer = await api.app.inject({ method: 'GET', url });
      assert.equal(answer.statusCode, 200);
      assert.ok(String(answer.headers['content-type']).startsWith(type));
      assert.ok(answer.body.includes(text));
    });
  }
  await t.test('requests are counted by route, not by address', async () => {
    await api.send('GET', '/runs/run_secret');
    const { body } = await api.app.inject({ method: 'GET', url: '/metrics' });
    assert.ok(body.includes('route="/runs/:runId",status="404"'));
    assert.ok(!body.includes('run_secret'));
  });
});

test('errors that no route has', async (t) => {
  const api = await openApi(t);
  const invalid = (detail: string): object => problem(400, 'REQUEST_INVALID', 'Request is not valid', detail);
  const json = { 'content-type': 'application/json' };
  const cases: [name: string, request: { method: 'GET' | 'POST' | 'DELETE' | 'PUT'; url: string; payload?: string; headers?: Record<string, string> }, expected: object][] = [
    ['an address that is none', { method: 'GET', url: '/nothing?x=1' }, problem(404, 'ROUTE_NOT_FOUND', 'No such route', 'There is no GET /nothing')],
    ['a method that is none', { method: 'DELETE', url: '/runs/run_1/scores' }, problem(405, 'METHOD_NOT_ALLOWED', 'Method not allowed', 'DELETE is not allowed here; allowed: GET, HEAD')],
    ['an address that cannot be read', { method: 'GET', url: '/runs/%zz' }, invalid("'/runs/%zz' is not a valid url component")],
    ['U+0000 in an address', { method: 'GET', url: '/runs/a%00' }, problem(400, 'TEXT_NOT_STORABLE', 'Text cannot be kept', 'params:/runId has U+0000 at the UTF-16 index 1', [{ pointer: 'params:/runId', detail: 'has U+0000 at the UTF-16 index 1' }])],
    ['U+0000 in a query', { method: 'GET', url: '/datasets?name=%00' }, problem(400, 'TEXT_NOT_STORABLE', 'Text cannot be kept', 'querystring:/name has U+0000 at the UTF-16 index 0', [{ pointer: 'querystring:/name', detail: 'has U+0000 at the UTF-16 index 0' }])],
    ['broken JSON', { method: 'POST', url: '/runs', payload: '{"kind":', headers: json }, invalid("Body is not valid JSON but content-type is set to 'application/json'")],
    ['JSON that poisons', { method: 'POST', url: '/experiments', payload: '{"name":"x","__proto__":{}}', headers: json }, invalid("Body is not valid JSON but content-type is set to 'application/json'")],
    ['an empty body', { method: 'POST', url: '/runs', headers: json }, problem(400, 'BODY_MISSING', 'Body is missing', 'The request has no body; send JSON or multipart/form-data')],
    ['a body of another type', { method: 'POST', url: '/runs', payload: 'a', headers: { 'content-type': 'text/plain' } }, problem(415, 'MEDIA_TYPE', 'Media type not supported', 'Unsupported Media Type')],
    ['a body that is too large', { method: 'POST', url: '/ner', payload: `{"text":"${'a'.repeat(17 * 1024 * 1024)}"}`, headers: json }, problem(413, 'BODY_TOO_LARGE', 'Body is too large', 'The body has 17825803 bytes, at most 16777216 are taken; send texts in several requests, and a dataset as a file (multipart/form-data)')],
    ['a body that is no object', { method: 'POST', url: '/experiments', payload: '[]', headers: json }, problem(400, 'REQUEST_INVALID', 'Request is not valid', 'The body is not valid: must be object', [{ pointer: '', detail: 'must be object' }])],
  ];
  for (const [name, request, expected] of cases) {
    await t.test(name, async () => {
      const answer = await api.app.inject(request);
      assert.deepEqual({ status: answer.statusCode, body: masked(answer.json()) }, expected);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal(answer.headers['x-request-id'], answer.json<{ requestId: string }>().requestId);
    });
  }
  await t.test('what is no HTTP is answered in the same shape', async () => {
    const url = new URL(await api.app.listen({ host: '127.0.0.1', port: 0 }));
    const answer = await new Promise<string>((resolve, reject) => {
      let text = '';
      const socket = connect(Number(url.port), url.hostname, () => socket.write('nonsense\r\n\r\n'));
      socket.on('data', (chunk) => (text += chunk.toString())).on('end', () => resolve(text)).on('error', reject);
    });
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.deepEqual(masked(JSON.parse(body)), problem(400, 'REQUEST_INVALID', 'Bad Request', 'The request cannot be read as HTTP').body);
  });
  await t.test('a line a request is logged, without query and address', () => {
    const lines = api.logged.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => msg === 'request');
    assert.ok(lines.some(({ route, status, requestId }) => route === '/datasets' && status === 400 && String(requestId).startsWith('req_')));
    assert.ok(!api.logged.join('').includes('/nothing'));
  });
});

test('API keys', async (t) => {
  const api = await openApi(t, { apiKeys: '# of Ana\nfirst-key\n\nsecond-key # of Eva\n' });
  const refused = problem(401, 'UNAUTHORIZED', 'No valid API key', 'Send the header Authorization: Bearer <key> with a key of API_KEYS_FILE, or the key as the password of Basic');

  for (const authorization of ['', 'Bearer wrong', 'Bearer # of Ana', 'Basic first-key', basic('first-key'), basic('first-key:wrong'), basic('any:')]) {
    await t.test(`"${authorization}" is refused`, async () => assert.deepEqual(await api.send('GET', '/runs', undefined, { authorization }), refused));
  }
  for (const authorization of ['Bearer first-key', 'bearer second-key', basic('any name:first-key'), basic(':second-key')]) {
    await t.test(`"${authorization}" is let in`, async () => assert.equal((await api.send('GET', '/runs', undefined, { authorization })).status, 200));
  }
  await t.test('metrics want a key, health, the page and documents do not', async () => {
    assert.deepEqual(await api.send('GET', '/metrics'), refused);
    for (const url of ['/', '/health/live', '/openapi.json', '/docs', '/docs/static/swagger-ui.css']) assert.equal((await api.send('GET', url)).status, 200, url);
  });
  await t.test('a refusal says how to come in', async () => {
    assert.equal((await api.app.inject({ method: 'GET', url: '/runs' })).headers['www-authenticate'], 'Bearer');
  });
});

function basic(pair: string): string {
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}
