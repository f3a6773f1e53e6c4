/** Applies migrations/*.sql in order, each in a transaction, once: processes that start at the same time wait for each other. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { fail } from '../errors.ts';

const DIRECTORY = fileURLToPath(new URL('../../migrations', import.meta.url));
/** Any number, the same everywhere. */
const LOCK = 7_283_401;

/**
 * @returns names of the migrations that this call applied
 * @throws MIGRATION_CHANGED, MIGRATION_UNKNOWN, MIGRATION_FAILED (nothing of that one is kept)
 */
export async function migrate(databaseUrl: string, { directory = DIRECTORY }: { directory?: string } = {}): Promise<string[]> {
  const files = await readMigrations(directory);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    // held by the session, so that a runner that dies lets go of it
    await client.query('select pg_advisory_lock($1)', [LOCK]);
    await client.query('create table if not exists migrations (name text primary key, checksum text not null, "appliedAt" timestamptz not null default now())');
    const { rows } = await client.query<{ name: string; checksum: string }>('select name, checksum from migrations');
    const applied = new Map(rows.map(({ name, checksum }) => [name, checksum]));
    for (const name of applied.keys()) if (!files.some((file) => file.name === name)) throw fail('MIGRATION_UNKNOWN', { name });
    for (const { name, checksum } of files) {
      const known = applied.get(name);
      if (known !== undefined && known !== checksum) throw fail('MIGRATION_CHANGED', { name, expected: known, found: checksum });
    }
    const wanted = files.filter(({ name }) => !applied.has(name));
    for (const migration of wanted) await apply(client, migration);
    return wanted.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

async function apply(client: pg.Client, { name, sql, checksum }: { name: string; sql: string; checksum: string }): Promise<void> {
  try {
    await client.query('begin');
    await client.query(sql);
    await client.query('insert into migrations (name, checksum) values ($1, $2)', [name, checksum]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback');
    throw fail('MIGRATION_FAILED', { name, detail: cause instanceof Error ? cause.message : String(cause) }, { cause });
  }
}

async function readMigrations(directory: string): Promise<{ name: string; sql: string; checksum: string }[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(directory, name), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}
