/** One Postgres for a whole run of the tests, with a migrated template that every test file clones. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../src/store/migrate.ts';
import { startPostgres } from '../src/store/postgres.ts';

export const TEMPLATE = 'mtmt_template';

/** @returns what tests find in TEST_DATABASE_URL */
export async function startTestPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mtmt-test-'));
  const postgres = await startPostgres({ dataDir, isTemporary: true });
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`create database ${TEMPLATE}`);
  await client.end();
  await migrate(databaseAt(postgres.url, TEMPLATE));
  return {
    url: postgres.url,
    async stop() {
      await postgres.stop();
      await rm(postgres.home, { recursive: true, force: true });
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export function databaseAt(url: string, name: string): string {
  const at = new URL(url);
  at.pathname = `/${name}`;
  return at.href;
}
