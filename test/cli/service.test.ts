/** The whole service, as real processes on databases of their own. */
import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startService, type Service } from '../../src/cli/service.ts';
import { loadConfig, type Config } from '../../src/config.ts';
import { testDatabase, testFolder } from '../helper.ts';
import { ENCODER, installEncoder } from '../runs/fixtures/world.ts';

test('Two services that start at once, and want the same ports, both run', { timeout: 180_000 }, async (t) => {
  const { port, release } = await heldPort();
  await release();
  const logs: string[][] = [[], []];
  const services = await Promise.all(logs.map(async (log) => start(t, { port, log, isAnyPortFine: true })));
  const [one = assert.fail(), other = assert.fail()] = services;
  assert.notEqual(one.url, other.url);
  for (const [i, { url }] of services.entries()) {
    assert.equal((await fetch(`${url}/health/live`)).status, 200);
    const answer = await fetch(`${url}/ner`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"text":"Ana"}' });
    // of its own tagger, which has no model
    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [409, 'NO_MODEL'], logs[i]?.join('\n'));
  }
  await Promise.all(services.map((service) => service.stop()));
});

test('A service whose port is in use says so instead of waiting', { timeout: 120_000 }, async (t) => {
  const { port, release } = await heldPort();
  t.after(release);
  await assert.rejects(start(t, { port, log: [], isAnyPortFine: false }), { code: 'PORT_TAKEN', message: new RegExp(`^Port ${port} of 127.0.0.1 is in use`) });
});

async function start(t: TestContext, { port, log, isAnyPortFine }: { port: number; log: string[]; isAnyPortFine: boolean }): Promise<Service> {
  const folder = await testFolder(t);
  await installEncoder(join(folder, 'encoders'), ENCODER);
  const own = { DATABASE_URL: await testDatabase(t), DATA_DIR: folder, ENCODERS_DIR: join(folder, 'encoders'), DEVICES: 'cpu', PORT: String(port), TAGGER_PORT: isAnyPortFine ? String(port) : '0' };
  const config: Config = loadConfig({ ...process.env, ...own });
  return startService({ config, env: { ...process.env, ...own }, isAnyPortFine, log: (line) => void log.push(line) });
}

async function heldPort(): Promise<{ port: number; release(): Promise<void> }> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { port: (server.address() as AddressInfo).port, release: () => new Promise((resolve) => server.close(() => resolve())) };
}
