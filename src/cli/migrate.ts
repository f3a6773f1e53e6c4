import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import { migrate } from '../store/migrate.ts';
import { startPostgres } from '../store/postgres.ts';

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write('Usage: mtmt migrate\n\nMigrates DATABASE_URL, or the embedded Postgres in DATA_DIR. The service does it by itself when it starts.\n');
    return 0;
  }
  const config = loadConfig(process.env);
  const postgres = config.databaseUrl === undefined ? await startPostgres(config) : null;
  try {
    await migrate(postgres?.url ?? config.databaseUrl ?? '');
  } finally {
    await postgres?.stop();
  }
  process.stdout.write('The database has the present schema.\n');
  return 0;
}
