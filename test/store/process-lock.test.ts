import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { identityOf, isAlive } from '../../src/store/process-identity.ts';
import { withProcessLock } from '../../src/store/process-lock.ts';

const CHILD = `
  import { withProcessLock } from '${new URL('../../src/store/process-lock.ts', import.meta.url).href}';
  await withProcessLock(process.argv[1], () => { process.send('held'); return new Promise(() => setInterval(() => {}, 1000)); });`;

test('one at a time holds the lock, within a process too', async () => {
  const order: string[] = [];
  const work = (name: string) => async (): Promise<void> => {
    order.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push(`${name} ends`);
  };
  await Promise.all([withProcessLock('/test/one', work('a')), withProcessLock('/test/one', work('b'))]);
  const [first = ''] = (order[0] ?? '').split(' ');
  const other = first === 'a' ? 'b' : 'a';
  assert.deepEqual(order, [`${first} begins`, `${first} ends`, `${other} begins`, `${other} ends`]);
});

test('who waits too long is told the holder, and a killed holder holds nothing', async (t) => {
  const path = `/test/killed-${process.pid}`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', CHILD, path], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  await assert.rejects(withProcessLock(path, () => Promise.resolve(), { maxWaitMs: 150 }), { code: 'LOCK_HELD', message: new RegExp(`held by process ${child.pid}`) });
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(await withProcessLock(path, () => Promise.resolve('ours'), { maxWaitMs: 2000 }), 'ours');
});

test('an identity is of one process, not of whoever has its number later', () => {
  const identity = identityOf(process.pid) ?? '';
  assert.equal(isAlive(identity), true);
  assert.equal(isAlive(identity.replace(/ \d+ /, ' 1 ')), false);
  assert.equal(isAlive(''), false);
  assert.equal(identityOf(2 ** 22 + 1), null);
});
