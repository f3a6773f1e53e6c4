// @ts-check
// Where things are: the clone, what comes with Node's packages, and the cache outside the clone.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');
export const NODE_MODULES = join(ROOT, 'node_modules');
export const TFJS = join(NODE_MODULES, '@tensorflow/tfjs-node-gpu');
export const ADDON = join(TFJS, 'lib/napi-v8/tfjs_binding.node');

/** As src/config.ts reads it, which cannot be loaded before the set-up: large, made again when lost. */
export const CACHE = resolve(process.env['CACHE_DIR'] || join(homedir(), '.cache/mtmt'));
export const ENCODERS = resolve(process.env['ENCODERS_DIR'] || join(CACHE, 'encoders'));

/** Headers that came with this very Node; without them node-gyp downloads some, or takes those of another Node. */
export function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include/node/node.h')) ? prefix : null;
}

export function hasNvidiaDriver() {
  return existsSync('/proc/driver/nvidia/version') || existsSync('/dev/nvidiactl');
}
