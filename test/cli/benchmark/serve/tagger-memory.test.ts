import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { memoryOf, taggerMemory } from '../../../../src/cli/benchmark/serve/tagger-memory.ts';
import { testFolder } from '../../../helper.ts';

test('the status of a process gives its memory in bytes', () => {
  assert.deepEqual(memoryOf('Name:\tnode\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\nRssAnon:\t     512 kB\n'), { residentBytes: 1024 ** 2, peakBytes: 2 * 1024 ** 2, anonymousBytes: 512 * 1024 });
});

test('of a service only the tagger counts; without one nothing is known', { skip: process.platform !== 'linux' }, async (t) => {
  assert.equal(await taggerMemory(null), null);
  const script = join(await testFolder(t), 'tagger.ts');
  await writeFile(script, `process.stdout.write('up'); setInterval(() => undefined, 1000);`);
  assert.equal(await taggerMemory(process.pid), null);
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill());
  await once(child.stdout, 'data');
  const { residentBytes } = (await taggerMemory(process.pid)) ?? assert.fail('it was not found');
  assert.ok(residentBytes > 1e7, String(residentBytes));
});
