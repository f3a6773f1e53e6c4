/** Python packages for tests, installed once into the cache by pip from pins with hashes. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { loadConfig } from '../src/config.ts';
import { runQuietly } from '../src/setup/commands.mjs';

/**
 * A folder that pip has filled needs no virtual environment, which Debian packs apart.
 * @param pins a file of requirements with hashes
 * @returns the folder, for `sys.path`
 */
export async function installPins(pins: URL): Promise<string> {
  const digest = createHash('sha256').update(await readFile(pins)).digest('hex').slice(0, 12);
  const cache = join(loadConfig().cacheDir, 'tests');
  const folder = join(cache, `${basename(pins.pathname, '.txt')}-${digest}-${await pythonTag()}`);
  if (existsSync(folder)) return folder;
  const temporary = join(cache, `.${randomUUID()}`);
  await mkdir(cache, { recursive: true });
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check', '--no-deps', '--require-hashes', '--only-binary=:all:', `--target=${temporary}`, '-r', pins.pathname];
    await runQuietly('python3', pip);
    await rename(temporary, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error; // another test file was faster
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return folder;
}

/** Some packages are compiled for one Python. */
async function pythonTag(): Promise<string> {
  let tag = '';
  await runQuietly('python3', ['-c', 'import sys; print(sys.implementation.cache_tag)'], { onLine: (line) => (tag = line) });
  return tag;
}
