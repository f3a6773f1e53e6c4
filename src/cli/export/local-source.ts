/** Database and artifacts of this data folder, or those that the environment names, without a service. */
import { existsSync } from 'node:fs';
import { openExport, type Export } from '../../checkpoints/export.ts';
import type { Config } from '../../config.ts';
import { fail } from '../../errors.ts';
import { exportParts } from '../../runs/downloads.ts';
import { openStorage } from '../../storage/open.ts';
import { bestCheckpoint } from '../../store/checkpoints.ts';
import { checkpointOfAlias } from '../../store/models.ts';
import { startPostgres } from '../../store/postgres.ts';
import { findRun } from '../../store/runs.ts';
import { openStore, type Store } from '../../store/store.ts';
import { CommandFailure } from '../client/failure.ts';
import { kindOf, type ExportSource } from './source.ts';

export async function localSource(config: Config): Promise<ExportSource> {
  // a Postgres would be set up there
  if (config.databaseUrl === undefined && !existsSync(config.dataDir)) throw new CommandFailure(`There is no data folder ${config.dataDir}; DATA_DIR may name another one`);
  const storage = await openStorage(config);
  const postgres = config.databaseUrl === undefined ? await startPostgres(config) : null;
  const store = await openStore(postgres?.url ?? config.databaseUrl ?? '');
  let opened: Export | undefined;
  return {
    checkpointOf: (name) => checkpointOf(store, name),
    async open(checkpointId, format) {
      opened = await openExport(storage, await exportParts({ store, config }, checkpointId), format);
      return { sizeBytes: opened.files.reduce((sum, file) => sum + file.sizeBytes, 0), files: opened.files };
    },
    async close() {
      opened?.close();
      await store.$disconnect();
      await postgres?.stop();
    },
  };
}

async function checkpointOf(store: Store, name: string): Promise<string> {
  const kind = kindOf(name);
  if (kind === 'checkpoint') return name;
  if (kind === 'alias') return (await checkpointOfAlias(store, name)) ?? notFound(name);
  if ((await findRun(store, name)) === null) throw fail('RUN_NOT_FOUND', { runId: name });
  const best = await bestCheckpoint(store, name);
  if (best === null) throw new CommandFailure(`The run ${name} has no checkpoint`);
  return best.checkpointId;
}

function notFound(model: string): never {
  throw fail('MODEL_NOT_FOUND', { model });
}
