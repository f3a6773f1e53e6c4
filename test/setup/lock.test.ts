import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../src/setup/lock.mjs';

const QUIET = { onWait: (): void => undefined, onInterrupt: (): Promise<void> => Promise.resolve() };

async function lockPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mtmt-lock-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'deep/set-up.lock');
}

test('Set-ups that start at once work one after the other, and say that they wait', async (t) => {
  const path = await lockPath(t);
  const said: string[] = [];
  const one = (name: string): Promise<void> =>
    withLock(path, { ...QUIET, onWait: () => said.push(`${name} waits`) }, async () => {
      said.push(`${name} in`);
      await sleep(50);
      said.push(`${name} out`);
    });
  await Promise.all([one('a'), one('b')]);
  const [first = '', second = ''] = said.filter((line) => line.endsWith(' in')).map((line) => line.slice(0, 1));
  assert.deepEqual(said.filter((line) => !line.endsWith('waits')), [`${first} in`, `${first} out`, `${second} in`, `${second} out`]);
  assert.ok(said.includes(`${second} waits`));
  assert.deepEqual(await readdir(join(path, '..')), []);
});

test('A lock whose holder was killed is taken over', async (t) => {
  const path = await lockPath(t);
  await withLock(path, QUIET, () => Promise.resolve());
  await writeFile(path, '');
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(path, longAgo, longAgo);
  assert.equal(await withLock(path, QUIET, () => Promise.resolve('done')), 'done');
});

test('A lock is given back when the work fails', async (t) => {
  const path = await lockPath(t);
  await assert.rejects(withLock(path, QUIET, () => Promise.reject(new Error('broken'))), /broken/);
  assert.deepEqual(await readdir(join(path, '..')), []);
});
