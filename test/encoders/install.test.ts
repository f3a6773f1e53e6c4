import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { installDefaultEncoder, installFolder } from '../../src/encoders/install.ts';
import { findEncoder, installedEncoders, verifyEncoder } from '../../src/encoders/registry.ts';

const TINY_BERT = join(import.meta.dirname, '../fixtures/encoders/tiny-bert');

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mtmt-encoders-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Speaks the hub's paths: small files at once, the weights through a redirect that carries their digest. */
async function fakeHub(t: TestContext, digestOf: (bytes: Buffer) => string): Promise<string> {
  const server = createServer((request, response) => {
    void (async () => {
      const [path = '', query] = (request.url ?? '').split('?');
      const bytes = await readFile(join(TINY_BERT, path.split('/').at(-1) ?? ''));
      if (path.endsWith('.safetensors') && query === undefined) {
        response.writeHead(302, { location: `${path}?stored`, 'x-linked-etag': `"${digestOf(bytes)}"` }).end();
      } else {
        response.end(bytes);
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

test('A local folder is installed under the name given, with digests that verify', async (t) => {
  const encodersDir = await folder(t);
  const installed = await installFolder({ encodersDir, from: TINY_BERT, encoderId: 'tiny', license: 'Apache-2.0' });
  assert.deepEqual(await findEncoder(encodersDir, 'tiny'), installed);
  assert.equal(installed.digest, `sha256:${sha256(await readFile(join(TINY_BERT, 'model.safetensors')))}`);
  assert.equal(installed.config.layers, 3);
  await verifyEncoder(installed);
  await writeFile(join(installed.directory, 'tokenizer.json'), '{}');
  await assert.rejects(verifyEncoder(installed), { code: 'ENCODER_INVALID', message: /tokenizer\.json.*expected sha256:/ });
});

test('Installing the same encoder twice at once leaves one, whole', async (t) => {
  const encodersDir = await folder(t);
  await Promise.all([1, 2, 3].map(() => installFolder({ encodersDir, from: TINY_BERT, encoderId: 'tiny' })));
  assert.deepEqual(await readdir(encodersDir), ['tiny']);
  await verifyEncoder(await findEncoder(encodersDir, 'tiny'));
});

test('What does not belong together is refused and leaves nothing', async (t) => {
  const encodersDir = await folder(t);
  const from = await folder(t);
  for (const file of ['model.safetensors', 'tokenizer.json']) await copyFile(join(TINY_BERT, file), join(from, file));
  await assert.rejects(installFolder({ encodersDir, from, encoderId: 'x' }), { code: 'ENCODER_INVALID', message: /config\.json/ });
  const config = JSON.parse(await readFile(join(TINY_BERT, 'config.json'), 'utf8')) as object;
  await writeFile(join(from, 'config.json'), JSON.stringify({ ...config, vocab_size: 10 }));
  await assert.rejects(installFolder({ encodersDir, from, encoderId: 'x' }), { code: 'ENCODER_INVALID', message: /374 x 32.*10 x 32/ });
  await assert.rejects(installFolder({ encodersDir, from, encoderId: '../x' }), { code: 'ENCODER_INVALID', message: /name/ });
  assert.deepEqual(await readdir(encodersDir), []);
});

test('The default encoder comes from the hub where it answers, and only once', async (t) => {
  const encodersDir = await folder(t);
  const steps = new Set<string>();
  const onProgress = (step: string): void => void steps.add(step);
  const hubUrl = await fakeHub(t, sha256);
  const installed = await installDefaultEncoder({ encodersDir, hubUrl, onProgress });
  assert.equal(installed.encoderId, 'multilingual-e5-small');
  assert.deepEqual([...steps], ['downloading config.json', 'downloading model.safetensors', 'downloading tokenizer.json']);
  assert.deepEqual(await installDefaultEncoder({ encodersDir, hubUrl: 'http://127.0.0.1:1' }), installed);
});

test('A download that differs from the digest that the hub gives is refused', async (t) => {
  const encodersDir = await folder(t);
  const hubUrl = await fakeHub(t, () => '0'.repeat(64));
  await assert.rejects(installDefaultEncoder({ encodersDir, hubUrl }), { code: 'ENCODER_INVALID', message: /the hub says sha256:000/ });
  assert.deepEqual(await installedEncoders(encodersDir), []);
});

test('The default encoder falls to its 4-bit form where only that is installed; other names to nothing', async (t) => {
  const encodersDir = await folder(t);
  await installFolder({ encodersDir, from: TINY_BERT, encoderId: 'multilingual-e5-small-q4' });
  assert.equal((await findEncoder(encodersDir, 'multilingual-e5-small')).encoderId, 'multilingual-e5-small-q4');
  await assert.rejects(findEncoder(encodersDir, 'nothing'), { code: 'ENCODER_NOT_FOUND', message: /installed: multilingual-e5-small-q4/ });
});
