/** `mtmt storage`: looks after the artifacts. */
import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import { openStorage } from '../storage/open.ts';
import { startPostgres } from '../store/postgres.ts';
import { openStore } from '../store/store.ts';
import { terminal } from './client/terminal.ts';
import { collect } from './storage/collect.ts';
import { verify } from './storage/verify.ts';

const HELP = `Usage: mtmt storage collect [--dry-run] [--all]
       mtmt storage verify

collect removes artifacts that no row of the database needs and that are older than an hour: those of deleted datasets and runs, of attempts that
were cut off, and archives made for downloads.
  --dry-run   only says what it would remove
  --all       also where the database needs none of what is there, which a wrong DATABASE_URL looks like
verify reads every artifact that a row needs, prints each whose digest or size is another, and exits with 1 if there is any.
`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { 'dry-run': { type: 'boolean', default: false }, all: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h' } },
  });
  const [action] = positionals;
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  if (action !== 'collect' && action !== 'verify') {
    process.stderr.write(HELP);
    return 2;
  }
  const config = loadConfig();
  const storage = await openStorage(config);
  const postgres = config.databaseUrl === undefined ? await startPostgres(config) : null;
  const store = await openStore(postgres?.url ?? config.databaseUrl ?? '');
  try {
    const output = quietUnlessTerminal();
    if (action === 'verify') return (await verify({ store, storage, output })) === 0 ? 0 : 1;
    await collect({ store, storage, isDryRun: values['dry-run'], isEmptyFine: values.all, output });
    return 0;
  } finally {
    await store.$disconnect();
    await postgres?.stop();
  }
}

/** A log gets the lines that stay. */
function quietUnlessTerminal(): ReturnType<typeof terminal> {
  const output = terminal();
  return output.isTerminal ? output : { ...output, status: () => undefined };
}
