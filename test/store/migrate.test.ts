import assert from 'node:assert/strict';
import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import pg from 'pg';
import { Value } from 'typebox/value';
import { TrainingOptions } from '../../src/schemas/options.ts';
import { migrate } from '../../src/store/migrate.ts';
import { resolveOptions } from '../../src/training/options.ts';
import { emptyDatabase, testFolder, type Cleaner } from '../helper.ts';

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));

async function copyOfMigrations(t: Cleaner): Promise<string> {
  const directory = await testFolder(t);
  await cp(MIGRATIONS, directory, { recursive: true });
  return directory;
}

test('processes that start at once migrate once, and a later one finds nothing to do', async (t) => {
  const url = await emptyDatabase(t);
  const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(url)));
  assert.deepEqual(applied.map((names) => names.length > 0).filter(Boolean), [true]);
  assert.deepEqual(await migrate(url), []);
});

test('a migration that was edited after it was applied is refused with both checksums', async (t) => {
  const url = await emptyDatabase(t);
  const directory = await copyOfMigrations(t);
  await migrate(url, { directory });
  await writeFile(join(directory, '002_guards.sql'), '-- edited\nselect 1;\n');
  await writeFile(join(directory, '001_more.sql'), '-- new\ncreate table more (a int);\n');
  await assert.rejects(migrate(url, { directory }), { code: 'MIGRATION_CHANGED', message: /002_guards\.sql.*[0-9a-f]{64}.*[0-9a-f]{64}/ });
  await rm(join(directory, '001_more.sql'));
  await cp(MIGRATIONS, directory, { recursive: true });
  assert.deepEqual(await migrate(url, { directory }), [], 'nothing was applied before the check');
});

test('a migration that fails leaves nothing behind and names itself', async (t) => {
  const url = await emptyDatabase(t);
  const directory = await copyOfMigrations(t);
  await writeFile(join(directory, '999_broken.sql'), 'create table half (a int);\nselect nonsense;\n');
  await assert.rejects(migrate(url, { directory }), { code: 'MIGRATION_FAILED', message: /999_broken\.sql/ });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query("select to_regclass('half') as half, to_regclass('\"Run\"') as run");
  await client.end();
  assert.deepEqual(rows, [{ half: null, run: '"Run"' }]);
});

test('a database of a newer version is refused', async (t) => {
  const url = await emptyDatabase(t);
  const directory = await copyOfMigrations(t);
  await writeFile(join(directory, '998_newer.sql'), 'select 1;\n');
  await migrate(url, { directory });
  await assert.rejects(migrate(url), { code: 'MIGRATION_UNKNOWN', message: /998_newer\.sql/ });
});

test('a run of before has every option, and keeps those that it had', async (t) => {
  const { url, client } = await migratedBefore(t, '006');
  try {
    const added = { preset: 'mtmt', objective: 'mtmt', heads: 'one', distil: 'everyWord', pairDraw: 'balanced', pairsPerWord: 1 } as const;
    const had = Object.fromEntries(Object.entries(resolveOptions('student', { epochs: 7, layerDecay: 0.9 })).filter(([name]) => !(name in added)));
    await client.query(`insert into "Experiment" ("experimentId", name) values ('exp_1', 'e')`);
    await client.query(
      `insert into "Run" ("runId", "experimentId", kind, status, name, "encoderId", "encoderDigest", requested, options, seed) values ('run_1', 'exp_1', 'student', 'succeeded', 'r', 'e', 'd', '{}', $1, 1)`,
      [had],
    );
    await migrate(url);
    const { rows } = await client.query<{ options: unknown }>('select options from "Run"');
    assert.deepEqual(rows, [{ options: { ...had, ...added } }]);
    assert.ok(Value.Check(TrainingOptions, { ...had, ...added }));
  } finally {
    await client.end();
  }
});

test('checkpoints of before that were doubled become the latest one, whoever names them', async (t) => {
  const { url, client } = await migratedBefore(t, '013');
  try {
    await client.query(`
      insert into "Experiment" ("experimentId", name) values ('exp_1', 'e');
      insert into "Run" ("runId", "experimentId", kind, status, name, "encoderId", "encoderDigest", requested, options, seed)
        select id, 'exp_1', 'teacher', 'queued', id, 'e', 'd', '{}', '{}', 1 from unnest(array['run_1', 'run_2']) as id;
      insert into "Checkpoint" ("checkpointId", "runId", step, "isBest", "isLast", digest, "sizeBytes", "storageKey", manifest, "createdAt")
        select id, run, step, best, last, digest, 1, 'k', '{}', now() + second * interval '1 second' from (values
          ('first', 'run_1', 2, false, false, 'two', 1), ('last', 'run_1', 6, false, true, 'six', 2), ('second', 'run_1', 2, false, false, 'two', 3), ('best', 'run_1', 6, true, false, 'six', 4),
          ('other', 'run_1', 2, false, false, 'different', 5), ('foreign', 'run_2', 2, true, true, 'two', 6)) as row (id, run, step, best, last, digest, second);
      insert into "Model" (alias, "checkpointId", "updatedAt") values ('prod', 'first', now());
      insert into "ModelHistory" (alias, "checkpointId") values ('prod', 'last'), ('prod', 'first');
      insert into "RunTeacher" ("runId", role, position, "teacherRunId", "checkpointId") values ('run_2', 'recognizer', 0, 'run_1', 'first')`);
    await migrate(url);
    const rowsOf = async (query: string): Promise<unknown[]> => (await client.query<unknown[]>({ text: query, rowMode: 'array' })).rows;
    assert.deepEqual(await rowsOf('select "checkpointId", "isBest", "isLast" from "Checkpoint" order by "createdAt"'), [
      ['second', false, false], ['best', true, true], ['other', false, false], ['foreign', true, true],
    ]);
    assert.deepEqual(await rowsOf('select "checkpointId" from "Model"'), [['second']]);
    assert.deepEqual(await rowsOf('select "checkpointId" from "ModelHistory" order by "historyId"'), [['best'], ['second']]);
    assert.deepEqual(await rowsOf('select "checkpointId" from "RunTeacher"'), [['second']]);
  } finally {
    await client.end();
  }
});

/** A database as it was when a migration was still to come. */
async function migratedBefore(t: Cleaner, name: string): Promise<{ url: string; client: pg.Client }> {
  const url = await emptyDatabase(t);
  const directory = await testFolder(t);
  const before = (await readdir(MIGRATIONS)).filter((each) => each < name);
  for (const each of before) await cp(join(MIGRATIONS, each), join(directory, each));
  await migrate(url, { directory });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return { url, client };
}
