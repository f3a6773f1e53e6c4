// @ts-check
// Our kernels for TensorFlow (src/tensor/native), built for the processor of this machine.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { runQuietly } from './commands.mjs';
import { LIBTENSORFLOW, LIBTENSORFLOW_ID } from './libtensorflow.mjs';
import { CACHE, ROOT, TFJS } from './paths.mjs';
import { compiler } from './platform.mjs';

/**
 * @typedef {{ name: string, bytes: Buffer }} Source
 * @typedef {object} Places
 * @property {string} sources The folder of the .cc and .h files.
 * @property {string} module The built module, which src/tensor/backend.ts loads.
 * @property {string} cache The folder of modules that were built before.
 */

/** @type {Places} */
const PLACES = {
  sources: join(ROOT, 'src/tensor/native'),
  module: join(TFJS, 'lib/mtmt-kernels.node'),
  cache: join(CACHE, 'kernels'),
};

// No -ffast-math, which takes infinities and NaN for impossible. But no errno either, of which a root may ask: without it, sixteen roots are one
// instruction (AdamW of mBERT's 108 million weights: 38 ms, not 64). GCC by itself prefers 256 bits on Intel's processors;
// -Wno-psabi is for those without vectors as wide as ours.
const COMPILE = [
  ...['-std=c++17', '-O3', '-fno-math-errno', '-march=native', '-mprefer-vector-width=512', '-fPIC', '-fvisibility=hidden', '-Wno-psabi', '-pthread'],
  `-I${join(LIBTENSORFLOW, 'include')}`,
];
const LIBRARIES = join(LIBTENSORFLOW, 'lib');
/** All of the C interface that the kernels call is in this one; libtensorflow_cc.so.2 would add 2 s of linking. */
const LINK = ['-shared', '-pthread', `-L${LIBRARIES}`, '-l:libtensorflow_framework.so.2', `-Wl,-rpath,${LIBRARIES}`];

/** Every edit of a kernel leaves one, 250 KB each; some serve clones on other branches. */
const KEPT = 4;

/** Cheap, since every start asks: 2 ms for a dozen sources. */
export async function hasKernels(places = PLACES) {
  return isStamped(places.module, await key(places));
}

/** A second clone copies what the first built, unless it is damaged or does not load. */
export async function placeCachedKernels(places = PLACES) {
  const built = await key(places);
  const cached = join(places.cache, `${built}.node`);
  if (!(await isStamped(cached, built))) return false;
  await mkdir(dirname(places.module), { recursive: true });
  // Renamed into place, for a running process may have the old module mapped.
  const copy = `${places.module}.new`;
  await copyFile(cached, copy);
  if (!(await loads(copy))) {
    await rm(copy);
    return false;
  }
  await rename(copy, places.module);
  await stamp(places.module, built);
  return true;
}

export async function buildKernels(places = PLACES) {
  const built = await key(places);
  await mkdir(places.cache, { recursive: true });
  const folder = await mkdtemp(join(places.cache, '.build-'));
  try {
    const output = join(folder, 'kernels.node');
    await compile(places.sources, folder, output);
    if ((await key(places)) !== built) throw new Error(`${places.sources} was edited while it was compiled: run it again.`);
    const cached = join(places.cache, `${built}.node`);
    await rename(output, cached);
    await stamp(cached, built);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await removeOldest(places.cache);
  if (!(await placeCachedKernels(places))) throw new Error(`The kernels were built but do not load: ${join(places.cache, built)}.node`);
}

/**
 * @param {{ sources: readonly Source[], flags: readonly string[], cpu: string }} from
 * @returns {string}
 */
export function kernelsKey({ sources, flags, cpu }) {
  const hash = createHash('sha256').update(JSON.stringify([flags, cpu]));
  for (const { name, bytes } of sources) hash.update(JSON.stringify([name, bytes.length])).update(bytes);
  return `${LIBTENSORFLOW_ID}-${hash.digest('hex')}`;
}

/** @param {Places} places */
async function key(places) {
  const names = (await readdir(places.sources)).filter((name) => /\.(cc|h)$/.test(name)).sort();
  const sources = await Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(places.sources, name)) })));
  return kernelsKey({ sources, flags: [...COMPILE, ...LINK], cpu: await cpu() });
}

/** What -march=native goes by. */
async function cpu() {
  const text = await readFile('/proc/cpuinfo', 'utf8');
  return [/^model name\s*:.*$/m, /^flags\s*:.*$/m].map((field) => field.exec(text)?.[0] ?? '').join('\n');
}

/** @param {string} sources @param {string} folder For the object files. @param {string} output */
async function compile(sources, folder, output) {
  const cxx = compiler();
  const names = (await readdir(sources)).filter((name) => name.endsWith('.cc'));
  const objects = names.map((name) => join(folder, `${name}.o`));
  const waiting = names.map((name) => [...COMPILE, '-c', join(sources, name), '-o', join(folder, `${name}.o`)]);
  const work = async () => {
    for (let args = waiting.shift(); args !== undefined; args = waiting.shift()) await runQuietly(cxx, args);
  };
  const workers = Array.from({ length: availableParallelism() }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    waiting.length = 0;
    await Promise.allSettled(workers);
    throw error;
  }
  await runQuietly(cxx, [...objects, ...LINK, '-o', output]);
}

/** Also what a build that was killed has left. @param {string} cache */
async function removeOldest(cache) {
  const names = await readdir(cache);
  const modules = await Promise.all(
    names.filter((name) => name.endsWith('.node')).map(async (name) => ({ name, builtAt: (await stat(join(cache, name))).mtimeMs })),
  );
  const kept = modules.sort((a, b) => b.builtAt - a.builtAt).slice(0, KEPT).map(({ name }) => name);
  const removed = names.filter((name) => !kept.some((module) => name.startsWith(module)));
  await Promise.all(removed.map((name) => rm(join(cache, name), { recursive: true, force: true })));
}

/** Beside a module: what it was built from, and what it then was. @param {string} module @param {string} built */
async function stamp(module, built) {
  await writeFile(`${module}.stamp`, `${built} ${digest(await readFile(module))}`);
}

/** @param {string} module @param {string} built */
async function isStamped(module, built) {
  const [found, bytes] = await Promise.all([readFile(`${module}.stamp`, 'utf8').catch(() => null), readFile(module).catch(() => null)]);
  return bytes !== null && found === `${built} ${digest(bytes)}`;
}

/**
 * In a process of its own: a module for another C library may not fail politely. Every function that it calls must be
 * there (RTLD_NOW), not just those of the registration.
 * @param {string} module
 */
async function loads(module) {
  const program = 'process.dlopen({ exports: {} }, process.argv[1], os.constants.dlopen.RTLD_NOW)';
  return promisify(execFile)(process.execPath, ['-e', program, module]).then(() => true, () => false);
}

/** @param {Buffer} bytes */
function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
