import assert from 'node:assert/strict';
import { open, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { artifactCache } from '../../src/storage/cache.ts';
import { keyOf } from '../../src/storage/key.ts';
import { testFolder } from '../helper.ts';

const HOUR_MS = 3_600_000;
const key = (name: string): string => keyOf('a', name.repeat(64), 'bin');
const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * HOUR_MS);

test('Beyond the limit the longest unused files go, and a reader of one of them reads on', async (t) => {
  const folder = await testFolder(t);
  const cache = artifactCache({ folder, limitBytes: 250 });
  const add = async (name: string, hours: number): Promise<string> => {
    const { path } = await cache.spool([Buffer.alloc(100, name)]);
    const kept = await cache.keep(key(name), path);
    await utimes(kept, hoursAgo(hours), hoursAgo(hours));
    return kept;
  };
  const oldest = await add('1', 5);
  await add('2', 4);
  const reader = await open(oldest);
  t.after(() => reader.close());
  assert.equal(await cache.find(key('2')), join(folder, key('2')));
  await add('3', 0);
  assert.deepEqual(await names(folder), [key('2'), key('3')], 'the second was asked for, the first was not');
  assert.equal((await reader.readFile()).toString(), '1'.repeat(100));
  assert.equal(await cache.find(key('1')), null);
});

test('what was asked for in the last minutes stays even beyond the limit, since its reader may not have opened it', async (t) => {
  const folder = await testFolder(t);
  const cache = artifactCache({ folder, limitBytes: 0 });
  for (const name of ['1', '2']) await cache.keep(key(name), (await cache.spool([Buffer.from(name)])).path);
  assert.deepEqual(await names(folder), [key('1'), key('2')]);
  await utimes(join(folder, key('1')), hoursAgo(1), hoursAgo(1));
  await cache.keep(key('3'), (await cache.spool([Buffer.from('3')])).path);
  assert.deepEqual(await names(folder), [key('2'), key('3')]);
});

test('What processes that were killed have left goes after a day, and no file that is not the cache\'s', async (t) => {
  const folder = await testFolder(t);
  const cache = artifactCache({ folder, limitBytes: 0 });
  const [left, fresh] = [await cache.spool([Buffer.from('left')]), await cache.spool([Buffer.from('fresh')])];
  await utimes(left.path, hoursAgo(25), hoursAgo(25));
  await cache.keep(key('1'), (await cache.spool([Buffer.from('1')])).path);
  await writeFile(join(folder, 'a', 'notes.txt'), 'mine');
  await utimes(join(folder, 'a', 'notes.txt'), hoursAgo(99), hoursAgo(99));
  await cache.keep(key('2'), (await cache.spool([Buffer.from('2')])).path);
  const found = await readdir(folder, { recursive: true });
  assert.ok(!found.some((name) => left.path.endsWith(name)));
  assert.ok(found.some((name) => fresh.path.endsWith(name)));
  assert.equal(await readFile(join(folder, 'a', 'notes.txt'), 'utf8'), 'mine');
});

async function names(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'a'))).map((name) => `a/${name}`).sort();
}
