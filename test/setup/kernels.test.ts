import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { buildKernels, hasKernels, kernelsKey, placeCachedKernels } from '../../src/setup/kernels.mjs';

/** Loads, and registers nothing: the real sources take too long to compile for a test. */
const MODULE = `extern "C" {
__attribute__((visibility("default"))) int node_api_module_get_api_version_v1() { return 8; }
__attribute__((visibility("default"))) void* napi_register_module_v1(void*, void* exports) { return exports; }
}
`;

interface Places {
  readonly sources: string;
  readonly module: string;
  readonly cache: string;
}

async function somePlaces(t: TestContext): Promise<Places> {
  const folder = await mkdtemp(join(tmpdir(), 'mtmt-kernels-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const places = { sources: join(folder, 'native'), module: join(folder, 'lib/kernels.node'), cache: join(folder, 'cache/kernels') };
  await mkdir(places.sources);
  await writeFile(join(places.sources, 'module.cc'), MODULE);
  return places;
}

/** The name of the one cached module. */
async function cachedModule({ cache }: Places): Promise<string> {
  const [name, ...others] = (await readdir(cache)).filter((found) => found.endsWith('.node'));
  assert.deepEqual(others, []);
  assert.ok(name !== undefined);
  return join(cache, name);
}

test('The key changes with a source, its name, the flags and the processor, and with nothing else', () => {
  const from = { sources: [{ name: 'a.cc', bytes: Buffer.from('int a;') }, { name: 'b.h', bytes: Buffer.from('int b;') }], flags: ['-O3'], cpu: 'flags: avx2' };
  const [a, b] = from.sources;
  assert.ok(a !== undefined && b !== undefined);
  const others = {
    'an edited source': { ...from, sources: [{ ...a, bytes: Buffer.from('int c;') }, b] },
    'a renamed source': { ...from, sources: [{ ...a, name: 'c.cc' }, b] },
    'a line moved to the next file': { ...from, sources: [{ ...a, bytes: Buffer.from('int ') }, { ...b, bytes: Buffer.from('a;int b;') }] },
    'a removed source': { ...from, sources: [a] },
    'another flag': { ...from, flags: ['-O2'] },
    'another processor': { ...from, cpu: 'flags: avx512f' },
  };
  assert.equal(kernelsKey(structuredClone({ ...from, sources: [] })), kernelsKey({ ...from, sources: [] }));
  assert.equal(kernelsKey({ ...from, sources: [{ ...a }, { ...b }] }), kernelsKey(from));
  const keys = new Map(Object.entries(others).map(([what, other]) => [kernelsKey(other), what]));
  assert.equal(keys.size, Object.keys(others).length);
  assert.equal(keys.get(kernelsKey(from)), undefined);
});

test('What was built is found, until the module is replaced or a source is edited', async (t) => {
  const places = await somePlaces(t);
  assert.equal(await hasKernels(places), false);
  assert.equal(await placeCachedKernels(places), false);
  await buildKernels(places);
  assert.equal(await hasKernels(places), true);

  const built = await readFile(places.module);
  await writeFile(places.module, Buffer.concat([built, Buffer.from('x')]));
  assert.equal(await hasKernels(places), false);
  await writeFile(places.module, built);
  assert.equal(await hasKernels(places), true);

  await writeFile(join(places.sources, 'notes.txt'), '');
  assert.equal(await hasKernels(places), true);
  await writeFile(join(places.sources, 'module.cc'), `${MODULE}\n`);
  assert.equal(await hasKernels(places), false);
});

test('A second clone copies the cached module, but not a damaged one', async (t) => {
  const places = await somePlaces(t);
  await buildKernels(places);
  const second = { ...places, module: join(places.module, '../../second/kernels.node') };
  assert.equal(await placeCachedKernels(second), true);
  assert.equal(await hasKernels(second), true);
  assert.deepEqual(await readdir(join(second.module, '..')), ['kernels.node', 'kernels.node.stamp']);

  const cached = await cachedModule(places);
  const bytes = await readFile(cached);
  bytes[bytes.length >> 1] = ~(bytes[bytes.length >> 1] ?? 0);
  await writeFile(cached, bytes);
  const third = { ...places, module: join(places.module, '../../third/kernels.node') };
  assert.equal(await placeCachedKernels(third), false);
  assert.equal(await hasKernels(third), false);
});

test('A build keeps the newest modules of the cache, and nothing of a build that was killed', async (t) => {
  const places = await somePlaces(t);
  await mkdir(join(places.cache, '.build-killed'), { recursive: true });
  for (let daysOld = 1; daysOld <= 5; daysOld++) {
    const when = new Date(Date.now() - daysOld * 86_400_000);
    await writeFile(join(places.cache, `old-${daysOld}.node`), '');
    await writeFile(join(places.cache, `old-${daysOld}.node.stamp`), '');
    await utimes(join(places.cache, `old-${daysOld}.node`), when, when);
  }
  await buildKernels(places);
  const kept = (await readdir(places.cache)).filter((name) => !name.startsWith('libtensorflow-'));
  assert.deepEqual(kept, [1, 2, 3].flatMap((daysOld) => [`old-${daysOld}.node`, `old-${daysOld}.node.stamp`]));
  assert.equal(await hasKernels(places), true);
});

test('A source that does not compile is reported with its fault, and nothing is placed', async (t) => {
  const places = await somePlaces(t);
  await writeFile(join(places.sources, 'broken.cc'), 'int broken() { return missing; }\n');
  await assert.rejects(buildKernels(places), /broken\.cc:1:.*missing/);
  assert.deepEqual(await readdir(places.cache), []);
  assert.equal(await hasKernels(places), false);
});

test('A module that does not load is not placed', async (t) => {
  const places = await somePlaces(t);
  await writeFile(join(places.sources, 'module.cc'), `void nowhere();\n__attribute__((visibility("default"))) void never_called() { nowhere(); }\n${MODULE}`);
  await assert.rejects(buildKernels(places), /do not load/);
  assert.equal(await hasKernels(places), false);
});
