import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepRunning } from '../../src/cli/child.ts';

async function script(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mtmt-child-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'child.ts');
  await writeFile(path, text);
  return path;
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !isTrue(); i++) await sleep(25);
  assert.ok(isTrue(), 'it did not come true within 10 s');
}

test('A process that dies is started again, and its lines are passed on', async (t) => {
  const lines: string[] = [];
  const deaths: string[] = [];
  const path = await script(t, "console.log('hello'); process.exit(3);");
  const kept = keepRunning({ name: 'x', path, env: process.env, onLine: (line) => lines.push(line), onDeath: (how) => deaths.push(how) });
  await until(() => deaths.length === 2);
  await kept.stop();
  assert.deepEqual(deaths, ['exit status 3', 'exit status 3']);
  assert.deepEqual(new Set(lines), new Set(['hello']));
});

test('Stopping lets the process end by itself and does not start it again', async (t) => {
  const lines: string[] = [];
  const path = await script(t, "process.on('SIGTERM', () => { console.log('ended'); process.exit(0); }); setInterval(() => {}, 1000); console.log('up');");
  const onDeath = (): void => assert.fail('it was taken for dead');
  const kept = keepRunning({ name: 'x', path, env: process.env, onLine: (line) => lines.push(line), onDeath });
  await until(() => lines.includes('up'));
  assert.ok(kept.isAlive());
  await kept.stop();
  assert.deepEqual(lines, ['up', 'ended']);
  assert.ok(!kept.isAlive());
});
