/** The S3 driver against a real server of the protocol, and against what networks do to it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { s3Storage } from '../../src/storage/s3.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { testFolder } from '../helper.ts';
import { chunksOf, inAMinute, keysOf, LARGE_BYTES, storageContract } from './contract.ts';
import { startProxy, type Proxy } from './fixtures/faulty-proxy.ts';
import { startS3 } from './fixtures/moto.ts';
import { spawnWriter } from './fixtures/spawn-writer.ts';

const PART_BYTES = 5 * 1024 ** 2;
const server = await startS3({ after });

interface Opened {
  readonly storage: Storage;
  readonly folder: string;
  readonly proxy: Proxy;
  readonly prefix: string;
  elsewhere(): Promise<Storage>;
}

let opened = 0;

/** A prefix of its own in the bucket, through a proxy. */
async function open(t: TestContext): Promise<Opened> {
  const prefix = `test/${opened++}`;
  const proxy = await startProxy(t, server.endpointUrl);
  const at = (cacheDir: string): Storage => s3Storage({ url: `s3://${server.bucket}/${prefix}`, endpointUrl: proxy.url, cacheDir, cacheBytes: 1e9, partBytes: PART_BYTES });
  const folder = await testFolder(t);
  return { storage: at(folder), folder, proxy, prefix, elsewhere: async () => at(await testFolder(t)) };
}

storageContract('S3', async (t) => {
  const { storage, elsewhere, prefix } = await open(t);
  return { storage, elsewhere, tamper: (key, content) => server.put(`${prefix}/${key}`, content) };
});

test('a large artifact goes up in parts, each with its SHA-256, and comes from this machine afterwards', async (t) => {
  const { storage, proxy } = await open(t);
  const content = randomBytes(LARGE_BYTES);
  const { key } = await storage.write('a', 'bin', chunksOf(content));
  const parts = proxy.seen.filter((asked) => /partNumber=\d/.test(asked));
  assert.deepEqual(parts.map((asked) => /partNumber=(\d)/.exec(asked)?.[1]).sort(), ['1', '2', '3']);
  assert.ok((await readFile(await storage.localPath(key))).equals(content));
  assert.deepEqual(proxy.seen.filter((asked) => asked.startsWith('GET')), []);
});

test('answers of 500 and 503 are asked again, at every step of an upload and a download', async (t) => {
  const { storage, elsewhere, proxy } = await open(t);
  const failed = new Set<string>();
  proxy.fault = (asked) => {
    if (failed.has(asked)) return undefined;
    failed.add(asked);
    return { status: failed.size % 2 === 0 ? 500 : 503 };
  };
  const content = randomBytes(LARGE_BYTES);
  const { key } = await storage.write('a', 'bin', chunksOf(content));
  const other = await elsewhere();
  assert.deepEqual(await keysOf(other), [key]);
  assert.equal((await other.stat(key))?.sizeBytes, LARGE_BYTES);
  assert.ok((await readFile(await other.localPath(key))).equals(content));
  assert.ok(failed.size >= 7, [...failed].join(', '));
});

test('a download that breaks off goes on where it was, and fails when it breaks off again and again', async (t) => {
  const { storage, elsewhere, proxy } = await open(t);
  const content = randomBytes(1_000_000);
  const { key } = await storage.write('a', 'bin', chunksOf(content));
  const other = await elsewhere();
  const read = (range?: { start: number; end: number }): Promise<Buffer> => buffer(other.read(key, range));
  let cuts = 2;
  proxy.fault = (asked) => (asked.startsWith('GET') && cuts-- > 0 ? { cutAfterBytes: 300_000 } : undefined);
  assert.ok((await read()).equals(content));
  assert.equal(cuts, -1, 'three requests');
  cuts = 1;
  assert.ok((await read({ start: 100, end: 900_000 })).equals(content.subarray(100, 900_000)));
  cuts = Infinity;
  proxy.fault = (asked) => (asked.startsWith('GET') ? { cutAfterBytes: 10 } : undefined);
  await assert.rejects(read(), { code: 'STORAGE_UNAVAILABLE' });
});

test('a file whose content is not the one of its key is refused, and is fetched anew once it is right', async (t) => {
  const { storage, elsewhere, prefix } = await open(t);
  const { key } = await storage.write('a', 'txt', [Buffer.from('hello world')]);
  await server.put(`${prefix}/${key}`, Buffer.from('hello_world'));
  const other = await elsewhere();
  await assert.rejects(other.localPath(key), { code: 'ARTIFACT_DAMAGED' });
  await storage.write('a', 'txt', [Buffer.from('hello world')]);
  assert.equal(await readFile(await other.localPath(key), 'utf8'), 'hello world');
});

test('who asks for a file that is being fetched waits for the same download', async (t) => {
  const { storage, elsewhere, proxy } = await open(t);
  const { key } = await storage.write('a', 'bin', [randomBytes(100_000)]);
  const other = await elsewhere();
  const paths = await Promise.all([1, 2, 3].map(() => other.localPath(key)));
  assert.equal(new Set(paths).size, 1);
  assert.equal(proxy.seen.filter((asked) => asked.startsWith('GET')).length, 1);
});

test('a process that is killed while it uploads leaves nothing to be seen, and an upload that is removed', async (t) => {
  const { storage, folder, proxy, prefix } = await open(t);
  const isPart = (asked: string): boolean => /partNumber=2/.test(asked);
  proxy.fault = (asked) => (isPart(asked) ? 'hold' : undefined);
  const child = spawnWriter(t, { ...server.env, AWS_ENDPOINT_URL_S3: proxy.url, ARTIFACTS_URL: `s3://${server.bucket}/${prefix}`, CACHE_DIR: folder });
  child.stdin.end(randomBytes(40 * 1024 ** 2));
  while (!proxy.seen.some(isPart)) await wait(20);
  child.kill('SIGKILL');
  await once(child, 'exit');
  proxy.fault = () => undefined;
  assert.deepEqual(await keysOf(storage), []);
  // this server says of every upload that it was begun in 2010
  assert.equal(await storage.removeLeftovers(new Date(0)), 0, 'it may still be under way');
  assert.equal(await storage.removeLeftovers(inAMinute()), 1);
  assert.equal(await storage.removeLeftovers(inAMinute()), 0);
});

test('an upload that is refused leaves neither parts nor files', async (t) => {
  const { storage, folder, proxy } = await open(t);
  proxy.fault = (asked) => (/partNumber=2/.test(asked) ? { status: 400 } : undefined);
  await assert.rejects(storage.write('a', 'bin', chunksOf(randomBytes(LARGE_BYTES))), { code: 'STORAGE_UNAVAILABLE' });
  assert.deepEqual([await keysOf(storage), await storage.removeLeftovers(inAMinute()), await readdir(folder)], [[], 0, []]);
});

test('A bucket that is missing, a server that does not answer, one that denies, and missing credentials are told apart', async (t) => {
  const cacheDir = join(await testFolder(t), 'cache');
  const proxy = await startProxy(t, server.endpointUrl);
  const checked = (url: string, endpointUrl = proxy.url): Promise<void> => s3Storage({ url, endpointUrl, cacheDir, cacheBytes: 0 }).check();
  const saying = (message: RegExp): object => ({ code: 'STORAGE_UNAVAILABLE', message });
  await checked(`s3://${server.bucket}`);
  await assert.rejects(checked('s3://no-such-bucket/x'), saying(/s3:\/\/no-such-bucket\/x cannot be used: there is no bucket "no-such-bucket"/));
  proxy.fault = () => ({ status: 403 });
  await assert.rejects(checked(`s3://${server.bucket}`), saying(/the credentials may not do that in the bucket "artifacts"/));
  await assert.rejects(checked(`s3://${server.bucket}`, 'http://127.0.0.1:1'), saying(/it does not answer \(ECONNREFUSED/));
  const { AWS_ACCESS_KEY_ID, AWS_REGION } = process.env;
  delete process.env['AWS_ACCESS_KEY_ID'];
  await assert.rejects(checked(`s3://${server.bucket}`), saying(/there are no credentials; set AWS_ACCESS_KEY_ID/));
  process.env['AWS_ACCESS_KEY_ID'] = AWS_ACCESS_KEY_ID;
  delete process.env['AWS_REGION'];
  await assert.rejects(checked(`s3://${server.bucket}`), saying(/there is no region; set AWS_REGION/));
  process.env['AWS_REGION'] = AWS_REGION;
});
