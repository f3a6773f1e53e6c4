/** One process at a time, by a file that names its holder; the lock of a dead holder is taken over. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fail } from '../errors.ts';

const WAIT_MS = 100;
const MAX_WAITS = 1200;

/** @throws LOCK_HELD after two minutes, naming the file and the holder */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  for (let waits = 0; !tryLock(path); waits++) {
    if (waits >= MAX_WAITS) throw fail('LOCK_HELD', { path, holder: holderOf(path) });
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryLock(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const holder = Number(holderOf(path));
    if (holder > 0 && holder !== process.pid && !isAlive(holder)) rmSync(path, { force: true });
    return false;
  }
}

function holderOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
