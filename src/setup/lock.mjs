// @ts-check
// One set-up at a time on a cache: a file that its holder touches, so that one left by a killed set-up grows old.
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, open, rename, rm, stat, utimes } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const TOUCH_MS = 2_000;
/** A process id would say nothing across containers that share a home. */
const STALE_MS = 15_000;
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

/**
 * @template T
 * @param {string} path
 * @param {{ onWait: () => void, onInterrupt: () => Promise<void> }} o
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, o, work) {
  await mkdir(dirname(path), { recursive: true });
  for (let waited = false; !(await take(path)); ) {
    if (!waited) o.onWait();
    waited = true;
    await sleep(500);
  }
  const touch = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), TOUCH_MS);
  /** @param {NodeJS.Signals} signal */
  const leave = (signal) => {
    void o.onInterrupt().finally(() => {
      rmSync(path, { force: true });
      process.exit(128 + constants.signals[signal]);
    });
  };
  for (const signal of SIGNALS) process.once(signal, leave);
  try {
    return await work();
  } finally {
    for (const signal of SIGNALS) process.off(signal, leave);
    clearInterval(touch);
    await rm(path, { force: true });
  }
}

/** @param {string} path */
async function take(path) {
  try {
    await (await open(path, 'wx')).close();
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
  const found = await stat(path).catch(() => null);
  if (found === null || Date.now() - found.mtimeMs < STALE_MS) return false;
  // Renamed before it is removed: of two that find it stale only one gets on.
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).then(() => rm(aside, { force: true })).catch(() => undefined);
  return false;
}
