import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { directoryStorage } from '../../src/storage/directory.ts';
import { testFolder } from '../helper.ts';
import { inAMinute, keysOf, storageContract } from './contract.ts';
import { spawnWriter } from './fixtures/spawn-writer.ts';

storageContract('a folder', async (t) => {
  const root = await testFolder(t);
  return {
    storage: directoryStorage(root),
    elsewhere: () => Promise.resolve(directoryStorage(root)),
    tamper: (key, content) => writeFile(join(root, key), content),
  };
});

test('a process that is killed while it writes leaves nothing to be seen, and a file that is removed when it is old', async (t) => {
  const root = await testFolder(t);
  const child = spawnWriter(t, { ARTIFACTS_DIR: root });
  child.stdin.write(Buffer.alloc(1_000_000));
  const storage = directoryStorage(root);
  while ((await readdir(join(root, 'a')).catch(() => [])).length === 0) await wait(20);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.deepEqual(await keysOf(storage), []);
  const [left = assert.fail()] = await readdir(join(root, 'a'));
  assert.equal(await storage.removeLeftovers(new Date(Date.now() - 60_000)), 0, 'it may still be written');
  await utimes(join(root, 'a', left), new Date(0), new Date(0));
  assert.equal(await storage.removeLeftovers(new Date(Date.now() - 60_000)), 1);
  assert.deepEqual([await readdir(join(root, 'a')), await storage.removeLeftovers(inAMinute())], [[], 0]);
});

test('a folder that is not there is made, and one that cannot be is named with what to do', async (t) => {
  const root = await testFolder(t);
  await directoryStorage(join(root, 'new')).check();
  assert.deepEqual(await readdir(root), ['new']);
  await rm(join(root, 'new'), { recursive: true });
  await writeFile(join(root, 'file'), '');
  await mkdir(join(root, 'other'));
  await assert.rejects(directoryStorage(join(root, 'file', 'deeper')).check(), { code: 'STORAGE_UNAVAILABLE', message: /file\/deeper cannot be used: the folder cannot be written to \(ENOTDIR\); set ARTIFACTS_DIR/ });
});
