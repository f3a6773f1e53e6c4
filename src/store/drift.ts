/**
 * Fails where prisma/schema.prisma and migrations/ disagree: a database made from each, and their catalogs compared.
 * The schema's SQL comes from Prisma's own engine as WebAssembly (a development dependency), which needs no download.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { migrate } from './migrate.ts';
import { startTemporaryPostgres } from './temporary-postgres.ts';

const SCHEMA = fileURLToPath(new URL('../../prisma/schema.prisma', import.meta.url));

/** What Prisma's schema speaks of: columns, keys, indexes, enums. Its order, checks and triggers are the migrations' own. */
const CATALOG = `
  select 'column ' || attrelid::regclass || '.' || attname || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end
    || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') as line
    from pg_attribute join pg_class on pg_class.oid = attrelid left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'migrations' and attnum > 0 and not attisdropped
  union all select 'index ' || indexdef from pg_indexes where schemaname = 'public' and tablename <> 'migrations'
  union all select 'enum ' || typname || ' ' || string_agg(enumlabel, ',' order by enumsortorder) from pg_enum join pg_type on pg_type.oid = enumtypid group by typname
  union all select 'key ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where contype in ('p', 'u', 'f') and conrelid::regclass::text <> 'migrations'`;

/** @returns lines of the catalogs that only one of both has: `- ` in the schema, `+ ` in the migrations */
export async function findDrift(url: string, { schema, directory }: { schema?: string; directory?: string } = {}): Promise<string[]> {
  const wanted = await withDatabase(url, 'drift_schema', async (database, client) => {
    await client.query(await sqlOf(schema ?? (await readFile(SCHEMA, 'utf8')), database));
    return catalog(client);
  });
  const found = await withDatabase(url, 'drift_migrations', async (database, client) => {
    await migrate(database, directory === undefined ? {} : { directory });
    return catalog(client);
  });
  return [...wanted.filter((line) => !found.includes(line)).map((line) => `- ${line}`), ...found.filter((line) => !wanted.includes(line)).map((line) => `+ ${line}`)];
}

interface SchemaEngine {
  diff(parameters: object): Promise<{ stdout: string | null }>;
  free(): void;
}
/** Node's, which the types of this target leave out. */
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: { instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: { __wbindgen_start(): void } } }> };
};

interface EngineModule {
  __wbg_set_wasm(exports: unknown): void;
  readonly SchemaEngine: { new: unknown };
}

let loaded: Promise<EngineModule> | undefined;
/** Once a process: the module's glue keeps state of the one instance that it was given. */
async function loadEngine(): Promise<EngineModule> {
  const folder = dirname(createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm'));
  const engineModule = (await import(join(folder, 'schema_engine_bg.js'))) as EngineModule;
  const { instance } = await wasm.instantiate(await readFile(join(folder, 'schema_engine_bg.wasm')), { './schema_engine_bg.js': engineModule });
  engineModule.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return engineModule;
}

/** The SQL that makes an empty database what the schema says. */
async function sqlOf(schema: string, databaseUrl: string): Promise<string> {
  const engineModule = await (loaded ??= loadEngine());
  const create = engineModule.SchemaEngine.new as (options: object, log: () => void, adapter: object) => Promise<SchemaEngine>;
  const pool = new pg.Pool({ connectionString: databaseUrl });
  try {
    const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg(pool));
    const engine = await create.call(engineModule.SchemaEngine, { datamodels: [['schema.prisma', schema]] }, () => undefined, adapter);
    const files = [{ path: 'schema.prisma', content: schema }];
    const { stdout } = await engine.diff({ from: { tag: 'empty' }, to: { tag: 'schemaDatamodel', files }, script: true, exitCode: null, filters: { externalTables: [], externalEnums: [] } });
    engine.free();
    return stdout ?? '';
  } finally {
    await pool.end();
  }
}

async function catalog(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ line: string }>(CATALOG);
  return rows.map(({ line }) => line).sort();
}

async function withDatabase<T>(url: string, name: string, work: (database: string, client: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  const unique = `${name}_${process.pid}`;
  const database = Object.assign(new URL(url), { pathname: `/${unique}` }).href;
  try {
    await admin.query(`create database ${unique} template template0`);
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    try {
      return await work(database, client);
    } finally {
      await client.end();
    }
  } finally {
    await admin.query(`drop database if exists ${unique} with (force)`);
    await admin.end();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const postgres = await startTemporaryPostgres();
  try {
    const drift = await findDrift(postgres.url);
    if (drift.length === 0) process.stdout.write('prisma/schema.prisma and migrations/ agree.\n');
    else {
      process.stderr.write(`prisma/schema.prisma (-) and migrations/ (+) disagree:\n${drift.join('\n')}\n`);
      process.exitCode = 1;
    }
  } finally {
    await postgres.stop();
  }
}
