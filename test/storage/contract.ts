/** What every driver promises; each test file of a driver calls it. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer, text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Storage } from '../../src/storage/storage.ts';

export interface Subject {
  readonly storage: Storage;
  /** The same storage as another machine sees it. */
  elsewhere(): Promise<Storage>;
  /** Puts other content under a key, as nothing of ours does. */
  tamper(key: string, content: Buffer): Promise<void>;
}

/** More than two parts of an upload, of which the smallest that S3 takes are 5 MiB. */
export const LARGE_BYTES = 11 * 1024 ** 2 + 7;
const HELLO = 'sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9';
const HELLO_KEY = 'a/b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9.txt';
const MISSING = `a/${'0'.repeat(64)}.txt`;

export function storageContract(driver: string, open: (t: TestContext) => Promise<Subject>): void {
  const promise = (name: string, check: (subject: Subject, t: TestContext) => Promise<void>): void =>
    void test(`${driver}: ${name}`, async (t) => check(await open(t), t));

  promise('content is kept under its digest, once, and is there for other machines until it is removed', async ({ storage, elsewhere }) => {
    const first = await storage.write('a', 'txt', [Buffer.from('hello '), Buffer.from('world')]);
    const second = await storage.write('a', 'txt', [Buffer.from('hello world')]);
    assert.deepEqual(first, { key: HELLO_KEY, digest: HELLO, sizeBytes: 11 });
    assert.deepEqual(second, first);
    const other = await elsewhere();
    await other.check();
    assert.equal(await text(other.read(first.key)), 'hello world');
    assert.equal((await other.stat(first.key))?.sizeBytes, 11);
    assert.equal(await readFile(await other.localPath(first.key), 'utf8'), 'hello world');
    assert.deepEqual(await keysOf(other), [HELLO_KEY]);
    await storage.remove(first.key);
    await storage.remove(first.key);
    assert.equal(await other.stat(first.key), null);
    assert.deepEqual(await keysOf(other), []);
    await assert.rejects(storage.localPath(first.key), { code: 'ARTIFACT_NOT_FOUND' });
  });

  promise('large content comes back byte for byte, whole, in ranges and as a file', async ({ storage, elsewhere }) => {
    const content = randomBytes(LARGE_BYTES);
    const { key, digest, sizeBytes } = await storage.write('a', 'bin', chunksOf(content));
    assert.deepEqual([digest, sizeBytes], [`sha256:${createHash('sha256').update(content).digest('hex')}`, LARGE_BYTES]);
    const other = await elsewhere();
    assert.ok((await buffer(other.read(key))).equals(content));
    assert.ok((await readFile(await other.localPath(key))).equals(content));
    for (const [start, end] of [[0, 1], [5 * 1024 ** 2 - 3, 5 * 1024 ** 2 + 3], [LARGE_BYTES - 5, LARGE_BYTES]] as const)
      assert.ok((await buffer(other.read(key, { start, end }))).equals(content.subarray(start, end)), `${start} to ${end}`);
  });

  promise('a range ends where the content does, and may be empty', async ({ storage }) => {
    const { key } = await storage.write('a', 'txt', [Buffer.from('hello')]);
    const part = async (start: number, end: number): Promise<string> => text(storage.read(key, { start, end }));
    assert.deepEqual([await part(1, 3), await part(2, 2), await part(3, 99), await part(5, 9), await part(7, 9)], ['el', '', 'lo', '', '']);
  });

  promise('empty content is content', async ({ storage, elsewhere }) => {
    const { key, sizeBytes } = await storage.write('a', 'txt', []);
    assert.equal(sizeBytes, 0);
    assert.equal(await text((await elsewhere()).read(key)), '');
  });

  promise('a write whose source fails leaves nothing', async ({ storage }) => {
    async function* cut(): AsyncGenerator<Buffer> {
      yield Buffer.from('half');
      throw new Error('connection lost');
    }
    await assert.rejects(storage.write('a', 'txt', cut()), /connection lost/);
    assert.deepEqual(await keysOf(storage), []);
    assert.equal(await storage.removeLeftovers(inAMinute()), 0);
  });

  promise('what is not there is not found, and what is no key names nothing', async ({ storage }) => {
    for (const key of [MISSING, 'a/none.txt', '../../etc/passwd', `../${HELLO_KEY}`, '', 'a']) {
      assert.equal(await storage.stat(key), null, key);
      await assert.rejects(text(storage.read(key)), { code: 'ARTIFACT_NOT_FOUND' }, key);
      await assert.rejects(text(storage.read(key, { start: 0, end: 1 })), { code: 'ARTIFACT_NOT_FOUND' }, key);
      await assert.rejects(storage.localPath(key), { code: 'ARTIFACT_NOT_FOUND' }, key);
      await storage.remove(key);
    }
  });

  promise('content that is not the one of its key is refused at its end, by both digests', async ({ storage, elsewhere, tamper }) => {
    const { key } = await storage.write('a', 'txt', [Buffer.from('hello world')]);
    await tamper(key, Buffer.from('hello_world'));
    const found = createHash('sha256').update('hello_world').digest('hex');
    await assert.rejects(text((await elsewhere()).read(key)), { code: 'ARTIFACT_DAMAGED', message: new RegExp(`11 bytes have the digest sha256:${found}, expected ${HELLO}`) });
  });

  promise('lists are of a prefix or of all, with sizes, and of artifacts alone', async ({ storage, tamper }) => {
    assert.deepEqual(await keysOf(storage), []);
    const { key: one } = await storage.write('a', 'txt', [Buffer.from('one')]);
    const { key: three } = await storage.write('b', 'txt', [Buffer.from('three')]);
    await tamper('a/readme', Buffer.from('not ours'));
    await tamper('notes', Buffer.from('not ours'));
    assert.deepEqual(await keysOf(storage), [one, three].sort());
    assert.deepEqual(await keysOf(storage, 'a'), [one]);
    assert.deepEqual(await keysOf(storage, 'c'), []);
    for await (const { sizeBytes, modifiedAt } of storage.list('b')) {
      assert.equal(sizeBytes, 5);
      assert.ok(Math.abs(modifiedAt.getTime() - Date.now()) < 60_000);
    }
  });

  promise('content that is written again counts as written now', async ({ storage }) => {
    const { key } = await storage.write('a', 'txt', [Buffer.from('hello')]);
    const before = (await storage.stat(key))?.modifiedAt ?? assert.fail();
    await wait(1_100); // times of S3 are whole seconds
    await storage.write('a', 'txt', [Buffer.from('hello')]);
    assert.ok(((await storage.stat(key))?.modifiedAt ?? 0) > before);
  });

  promise('many write and read the same at the same time', async ({ storage, elsewhere }) => {
    const other = await elsewhere();
    const write = (by: Storage): Promise<{ key: string }> => by.write('a', 'txt', chunksOf(Buffer.alloc(300_000, 'x')));
    const written = await Promise.all([storage, other, storage, other].map(write));
    const key = written[0]?.key ?? assert.fail();
    assert.deepEqual(new Set(written.map((each) => each.key)), new Set([key]));
    const third = await elsewhere();
    const paths = await Promise.all([third, third, other, storage].map(async (each) => readFile(await each.localPath(key))));
    assert.ok(paths.every((content) => content.equals(Buffer.alloc(300_000, 'x'))));
    assert.deepEqual(await keysOf(storage), [key]);
  });
}

export async function keysOf(storage: Storage, prefix?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys.sort();
}

export function inAMinute(): Date {
  return new Date(Date.now() + 60_000);
}

export function* chunksOf(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000);
}
