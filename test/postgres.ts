/** One Postgres for a whole run of the tests, with a migrated template that every test file clones. */
import pg from 'pg';
import { migrate } from '../src/store/migrate.ts';
import { startTemporaryPostgres } from '../src/store/temporary-postgres.ts';

export const TEMPLATE = 'mtmt_template';

/** @returns what tests find in TEST_DATABASE_URL */
export async function startTestPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const postgres = await startTemporaryPostgres();
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`create database ${TEMPLATE}`);
  await client.end();
  await migrate(databaseAt(postgres.url, TEMPLATE));
  return postgres;
}

export function databaseAt(url: string, name: string): string {
  const at = new URL(url);
  at.pathname = `/${name}`;
  return at.href;
}
