// @ts-check
// The native addon of @tensorflow/tfjs-node-gpu, built once a machine against our libtensorflow.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { runQuietly } from './commands.mjs';
import { LIBTENSORFLOW_ID } from './libtensorflow.mjs';
import { ADDON, CACHE, NODE_MODULES, nodeHeaders, TFJS } from './paths.mjs';

/** Beside the addon, gone with it: what it was built from. */
const STAMP = `${ADDON}.stamp`;

/** The addon speaks Node-API 8, but Node's ABI costs a build at most and keeps surprises away. */
async function key() {
  const { version } = JSON.parse(await readFile(join(TFJS, 'package.json'), 'utf8'));
  return `tfjs-node-gpu-${version}-abi${process.versions.modules}-${LIBTENSORFLOW_ID}`;
}

async function cachedAddon() {
  return join(CACHE, 'addon', `${await key()}.node`);
}

export async function hasAddon() {
  const [stamp, addon] = await Promise.all([readFile(STAMP, 'utf8').catch(() => null), readFile(ADDON).catch(() => null)]);
  return addon !== null && stamp === `${await key()} ${digest(addon)}`;
}

/** A second clone copies what the first built, and builds only where that does not load. */
export async function placeCachedAddon() {
  await mkdir(dirname(ADDON), { recursive: true });
  const copied = await copyFile(await cachedAddon(), ADDON).then(() => true, () => false);
  if (!copied || !(await loads())) return false;
  await stamp();
  return true;
}

export async function buildAddon() {
  const headers = nodeHeaders();
  // Without --nodedir a `nodedir` in somebody's npm configuration, meant for another Node, would win.
  const nodedir = headers === null ? [] : [`--nodedir=${headers}`];
  const preGyp = join(NODE_MODULES, '@mapbox/node-pre-gyp/bin/node-pre-gyp');
  await runQuietly(process.execPath, [preGyp, 'install', '--build-from-source', ...nodedir], { cwd: TFJS });
  if (!(await loads())) throw new Error(`The addon was built but does not load: ${ADDON}`);
  const cached = await cachedAddon();
  await mkdir(dirname(cached), { recursive: true });
  await copyFile(ADDON, `${cached}.${process.pid}`);
  await rename(`${cached}.${process.pid}`, cached);
  await stamp();
}

async function stamp() {
  await writeFile(STAMP, `${await key()} ${digest(await readFile(ADDON))}`);
}

/** In a process of its own: an addon for another C library may not fail politely. */
async function loads() {
  const program = 'process.dlopen({ exports: {} }, process.argv[1])';
  return promisify(execFile)(process.execPath, ['-e', program, ADDON]).then(() => true, () => false);
}

/** @param {Buffer} bytes */
function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
