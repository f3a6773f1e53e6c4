import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { startPostgres, type RunningPostgres } from '../../src/store/postgres.ts';
import { identityOf } from '../../src/store/process-identity.ts';
import type { Cleaner } from '../helper.ts';

const urlOf = (path: string): string => new URL(path, import.meta.url).href;
const START = `
  import { startPostgres } from '${urlOf('../../src/store/postgres.ts')}';
  const { url } = await startPostgres({ dataDir: process.argv[1] });
  process.send(url);
  setInterval(() => {}, 1000);`;
const START_TEMPORARY = `
  import { startTemporaryPostgres } from '${urlOf('../../src/store/temporary-postgres.ts')}';
  const { url } = await startTemporaryPostgres();
  process.send(url);
  setInterval(() => {}, 1000);`;

interface Folder {
  readonly dataDir: string;
  start(): Promise<RunningPostgres>;
}

/** Also under root the cluster lies within: its user can pass through. */
async function dataFolder(t: Cleaner): Promise<Folder> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mtmt-postgres-test-'));
  await chmod(dataDir, 0o711);
  const started: RunningPostgres[] = [];
  t.after(async () => {
    for (const postgres of started) await postgres.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const start = async (): Promise<RunningPostgres> => {
    const postgres = await startPostgres({ dataDir });
    started.push(postgres);
    return postgres;
  };
  return { dataDir, start };
}

async function inChild(t: Cleaner, code: string, ...args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  t.after(() => child.kill('SIGKILL'));
  const [url] = (await once(child, 'message')) as [string];
  return { child, url };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function postmaster(dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n', 1)[0]);
}

async function until(isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; !(await isSo()); tries++) {
    if (tries === 100) assert.fail('it did not come about within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test('users of one data folder share a server, and the last one out stops it', async (t) => {
  const { dataDir, start } = await dataFolder(t);
  const [first, second] = await Promise.all([start(), start()]);
  assert.equal(first.url, second.url);
  await query(first.url, 'create table kept (a int)');
  await first.stop();
  await first.stop();
  assert.deepEqual(await query(second.url, 'select * from kept'), []);
  const pid = await postmaster(dataDir);
  await second.stop();
  await until(() => identityOf(pid) === null);
});

test('the server listens on this machine only, for who knows the password, which is ours alone', async (t) => {
  const { dataDir, start } = await dataFolder(t);
  const { url } = await start();
  const rows = await query(url, "select name, setting from pg_settings where name in ('listen_addresses', 'unix_socket_directories') order by name");
  assert.deepEqual(rows, [{ name: 'listen_addresses', setting: '127.0.0.1' }, { name: 'unix_socket_directories', setting: '' }]);
  assert.equal((await stat(join(dataDir, 'postgres.password'))).mode & 0o777, 0o600);
  const wrong = Object.assign(new URL(url), { password: 'guess' }).href;
  await assert.rejects(query(wrong, 'select 1'), /password authentication failed/);
});

test('a server whose parent was killed is joined; one that was killed itself starts again with its data', async (t) => {
  const { dataDir, start } = await dataFolder(t);
  const { child, url } = await inChild(t, START, dataDir);
  await query(url, 'create table kept as select 1 as a');
  const first = await postmaster(dataDir);
  await kill(child);
  assert.equal((await start()).url, url);
  assert.equal(await postmaster(dataDir), first);

  process.kill(first, 'SIGKILL');
  await until(() => identityOf(first) === null);
  const path = join(dataDir, 'postgres/data/postmaster.pid');
  const left = await readFile(path, 'utf8');
  // as when the number is another process's by now: ours; refused while a backend of the killed server is still ending
  const found: RunningPostgres[] = [];
  await until(async () => {
    await writeFile(path, left.replace(/^\d+/, String(process.pid)));
    found.push(...(await start().then((postgres) => [postgres], () => [])));
    return found.length > 0;
  });
  assert.notEqual(found[0]?.url, url);
  assert.deepEqual(await query(found[0]?.url ?? '', 'select * from kept'), [{ a: 1 }]);
});

test('of a temporary server whose process is killed nothing is left', async (t) => {
  const { child, url } = await inChild(t, START_TEMPORARY);
  const [row] = (await query(url, "select current_setting('data_directory') as data, pg_backend_pid() as pid")) as [{ data: string }];
  await kill(child);
  await until(() => stat(row.data).then(() => false, () => true));
  await assert.rejects(query(url, 'select 1'));
});
