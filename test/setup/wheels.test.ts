import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { extractWheel, sha256 } from '../../src/setup/wheels.mjs';

test('A wheel gives up exactly the files that are asked for, byte for byte', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mtmt-wheel-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const content = { 'lib/big.so': Buffer.alloc(3_000_000, 'abcdefg'), 'lib/empty.so': Buffer.alloc(0), 'lib/zoë.txt': Buffer.from('ø'), 'other.txt': Buffer.from('x') };
  await mkdir(join(folder, 'lib'));
  for (const [name, bytes] of Object.entries(content)) await writeFile(join(folder, name), bytes);
  execFileSync('python3', ['-m', 'zipfile', '-c', 'a.whl', 'lib', 'other.txt'], { cwd: folder });

  const seen: number[] = [];
  const place = (name: string): string | null => (name.startsWith('lib/') ? join(folder, 'out', name) : null);
  await extractWheel(join(folder, 'a.whl'), place, (done) => seen.push(done));

  assert.deepEqual((await readdir(join(folder, 'out/lib'))).sort(), ['big.so', 'empty.so', 'zoë.txt']);
  for (const name of ['lib/big.so', 'lib/empty.so', 'lib/zoë.txt'] as const) assert.ok((await readFile(join(folder, 'out', name))).equals(content[name]), name);
  assert.equal(seen.at(-1), 3_000_002);
  await assert.rejects(extractWheel(join(folder, 'a.whl'), () => null), /nothing of what is needed/);
  await assert.rejects(extractWheel(join(folder, 'other.txt'), place), /not a zip file/);
});

test('A file is hashed whole', async () => {
  assert.match(await sha256(import.meta.filename), /^[0-9a-f]{64}$/);
});
