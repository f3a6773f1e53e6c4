import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { openAliasReader } from '../../src/store/alias-reader.ts';
import { createCheckpoint } from '../../src/store/checkpoints.ts';
import { newId } from '../../src/store/ids.ts';
import { deleteModel, putModel } from '../../src/store/models.ts';
import { beginAttempt, createRuns } from '../../src/store/runs.ts';
import { testStore } from '../helper.ts';
import { newRun } from './rows.ts';

test('An alias is read as it stands, also after its connections were lost', async (t) => {
  const { store, databaseUrl } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  await beginAttempt(store, { runId: run.runId, worker: 'w', device: 'cpu' });
  const ids = [newId('ckpt'), newId('ckpt')] as const;
  for (const checkpointId of ids) await createCheckpoint(store, { checkpointId, runId: run.runId, attempt: 1, step: 1, isBest: false, isLast: false, digest: `sha256:${checkpointId}`, sizeBytes: 1, storageKey: 'k', manifest: {} });
  const reader = openAliasReader(databaseUrl);
  t.after(() => reader.close());
  assert.equal(await reader.checkpointOf('default'), null);
  for (const checkpointId of ids) {
    await putModel(store, 'default', checkpointId);
    assert.equal(await reader.checkpointOf('default'), checkpointId);
  }
  const admin = new pg.Client({ connectionString: databaseUrl });
  await admin.connect();
  const { rowCount } = await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mtmt-aliases' and datname = current_database()");
  await admin.end();
  assert.equal(rowCount, 1);
  assert.equal(await answered(() => reader.checkpointOf('default')), ids[1]);
  await deleteModel(store, 'default');
  assert.equal(await reader.checkpointOf('default'), null);
});

/** The first question may meet the connection before its end is known. */
async function answered<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch(ask);
}
