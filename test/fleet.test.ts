import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFleet, trainAndTag } from './fleet.ts';
import { testFolder } from './helper.ts';

test('two API processes behind a load balancer, a tagger and a worker serve as one', { timeout: 240_000 }, async (t) => {
  const fleet = await startFleet(t, { ARTIFACTS_DIR: await testFolder(t) });
  const { ask, apis } = fleet;
  assert.equal((await ask('GET', '/health/ready')).status, 200);
  await trainAndTag(fleet);

  await t.test('a key makes one run, whichever process gets the request', async () => {
    const body = JSON.stringify({ name: 'an experiment' });
    const send = (url: string): Promise<Response> => fetch(`${url}/experiments`, { method: 'POST', body, headers: { 'content-type': 'application/json', 'idempotency-key': 'once' } });
    const answers = await Promise.all(apis.map(async ({ url }) => (await send(url)).json() as Promise<{ experimentId?: string; code?: string }>));
    const made = new Set(answers.flatMap(({ experimentId }) => experimentId ?? []));
    assert.equal(made.size, 1);
    assert.ok(answers.every(({ experimentId, code }) => experimentId !== undefined || code === 'IDEMPOTENCY_KEY_BUSY'), JSON.stringify(answers));
  });

  await t.test('one of them may end', async () => {
    assert.equal(await apis[0]?.stop(), 0);
    for (let i = 0; i < 2; i++) assert.equal((await ask('POST', '/ner', { text: 'Ana' })).status, 200);
  });
});
