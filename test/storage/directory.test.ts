import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { directoryStorage } from '../../src/storage/directory.ts';
import { testFolder } from '../helper.ts';

test('content is kept under its digest, once, and read whole or in part', async (t) => {
  const storage = directoryStorage(await testFolder(t));
  const first = await storage.write('a', 'txt', [Buffer.from('hello '), Buffer.from('world')]);
  const second = await storage.write('a', 'txt', [Buffer.from('hello world')]);
  assert.deepEqual(first, second);
  assert.deepEqual(first, { key: 'a/b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9.txt', digest: 'sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9', sizeBytes: 11 });
  assert.equal(await text(storage.read(first.key)), 'hello world');
  assert.equal(await text(storage.read(first.key, { start: 6, end: 9 })), 'wor');
  assert.deepEqual(await storage.stat(first.key), { sizeBytes: 11 });
  await storage.remove(first.key);
  assert.equal(await storage.stat(first.key), null);
  await assert.rejects(storage.localPath(first.key), { code: 'ARTIFACT_NOT_FOUND' });
});

test('a write that is cut off leaves nothing', async (t) => {
  const root = await testFolder(t);
  const cut = async function* () {
    yield Buffer.from('half');
    throw new Error('connection lost');
  };
  await assert.rejects(directoryStorage(root).write('a', 'txt', cut()), /connection lost/);
  assert.deepEqual(await readdir(join(root, 'a')), []);
});

test('a key cannot lead out of the folder', async (t) => {
  const storage = directoryStorage(await testFolder(t));
  await assert.rejects(storage.localPath('../../etc/passwd'), { code: 'ARTIFACT_NOT_FOUND' });
});

test('Reading what is not there, and reading no bytes', async (t) => {
  const storage = directoryStorage(await testFolder(t));
  await assert.rejects(text(storage.read('a/none.txt')), { code: 'ARTIFACT_NOT_FOUND' });
  const { key } = await storage.write('a', 'txt', [Buffer.from('hello')]);
  assert.equal(await text(storage.read(key, { start: 2, end: 2 })), '');
});
