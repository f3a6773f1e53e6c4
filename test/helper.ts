/** What tests share: a database of their own, cloned from a migrated template, and clean-up through the test that asked. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import pg from 'pg';
import { openStore, type Store } from '../src/store/store.ts';
import { databaseAt, startTestPostgres, TEMPLATE } from './postgres.ts';

/** A test's context, or anything that cleans up after itself. */
export interface Cleaner {
  after(fn: () => unknown): void;
}

let own: Promise<{ url: string; stop(): Promise<void> }> | undefined;
// registered here, at the root: within a test it would run when that test ends
after(async () => (await own)?.stop());

/** The server of the whole run (TEST_DATABASE_URL); a file that is run by itself starts its own and stops it at its end. */
async function serverUrl(): Promise<string> {
  const shared = process.env['TEST_DATABASE_URL'];
  if (shared !== undefined) return shared;
  own ??= startTestPostgres();
  return (await own).url;
}

/** A fresh, migrated database that is dropped after the test. */
export async function testDatabase(t: Cleaner): Promise<string> {
  const url = await serverUrl();
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(url, `create database ${name} template ${TEMPLATE}`);
  t.after(() => administer(url, `drop database if exists ${name} with (force)`));
  return databaseAt(url, name);
}

export async function testStore(t: Cleaner): Promise<{ store: Store; databaseUrl: string }> {
  const databaseUrl = await testDatabase(t);
  const store = await openStore(databaseUrl);
  t.after(() => store.$disconnect());
  return { store, databaseUrl };
}

/** An empty database without tables. */
export async function emptyDatabase(t: Cleaner): Promise<string> {
  const url = await serverUrl();
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(url, `create database ${name} template template0`);
  t.after(() => administer(url, `drop database if exists ${name} with (force)`));
  return databaseAt(url, name);
}

export async function testFolder(t: Cleaner): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mtmt-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
