import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { withHugePages } from '../../src/tensor/huge-pages.ts';

const setting = await readFile('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8').catch(() => '');
const LARGE = `
  const { readFileSync } = require('node:fs');
  const memory = Buffer.alloc(64 << 20, 1);
  process.stdout.write(/^AnonHugePages: +(\\d+) kB/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1] + ' ' + memory[0]);`;

async function hugePagesOf(env: NodeJS.ProcessEnv): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', LARGE], { env });
  return Number(stdout.split(' ')[0]);
}

test('large memory of a training process lies in huge pages where Linux gives them when asked', { skip: !setting.includes('[madvise]') }, async () => {
  const { GLIBC_TUNABLES: _, ...plain } = process.env;
  const [before, after] = [await hugePagesOf(plain), await hugePagesOf(withHugePages(plain))];
  assert.ok(after >= before + (32 << 10), `${before} kB without, ${after} kB with`);
});

test('what the environment says already stays', () => {
  assert.deepEqual(withHugePages({ GLIBC_TUNABLES: 'glibc.malloc.check=1', HOME: '/' }), { GLIBC_TUNABLES: 'glibc.malloc.check=1', HOME: '/' });
});
