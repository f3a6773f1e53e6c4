import assert from 'node:assert/strict';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { findDrift } from '../../src/store/drift.ts';
import { emptyDatabase, testFolder } from '../helper.ts';

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url));
const SCHEMA = await readFile(new URL('../../prisma/schema.prisma', import.meta.url), 'utf8');

test('schema and migrations agree', async (t) => {
  assert.deepEqual(await findDrift(await emptyDatabase(t)), []);
});

const CHANGES = [
  { what: 'a column', from: /( +hypothesis +String\?)/, to: '$1\n  conclusion String?', found: [/^- column "Experiment"\.conclusion text$/] },
  { what: 'a type', from: /(piecesPerSecond +)Float/, to: '$1Int', found: [/^- column "Run"\.piecesPerSecond integer$/, /^\+ column "Run"\.piecesPerSecond double precision$/] },
  { what: 'the precision of a time', from: /(startedAt +DateTime\? +@db\.Timestamptz)\(3\)/, to: '$1(6)', found: [/^- .* timestamp\(6\) with time zone$/, /^\+ .* timestamp\(3\) with time zone$/] },
  { what: 'nullability', from: /(hypothesis +String)\?/, to: '$1', found: [/^- column "Experiment"\.hypothesis text not null$/, /^\+ column "Experiment"\.hypothesis text$/] },
  { what: 'a default', from: /@default\(3\)/, to: '@default(4)', found: [/^- .* default 4$/, /^\+ .* default 3$/] },
  { what: 'an index', from: / +@@index\(\[status\]\)\n/, to: '', found: [/^\+ index .*"Run_status_idx"/] },
  { what: 'a unique key', from: /(activeName +String\?) +@unique/, to: '$1', found: [/^\+ index .*"Dataset_activeName_key"/] },
  { what: 'a foreign key', from: /(dataset +Dataset @relation\(fields: \[datasetId\], references: \[datasetId\])\)/, to: '$1, onDelete: Cascade)', found: [/^- key .*ON DELETE CASCADE/, /^\+ key .*ON DELETE RESTRICT/] },
  { what: 'a value of an enum', from: /( +cancelled\n)/, to: '$1  paused\n', found: [/^- enum RunStatus .*paused/, /^\+ enum RunStatus/] },
];

for (const { what, from, to, found } of CHANGES) {
  test(`${what} that the schema says otherwise is found`, async (t) => {
    const schema = SCHEMA.replace(from, to);
    assert.notEqual(schema, SCHEMA);
    const drift = await findDrift(await emptyDatabase(t), { schema });
    assert.equal(drift.length, found.length, drift.join('\n'));
    for (const [index, line] of found.entries()) assert.match(drift[index] ?? '', line);
  });
}

test('a table that only a migration makes is found', async (t) => {
  const directory = await testFolder(t);
  await cp(MIGRATIONS, directory, { recursive: true });
  await writeFile(join(directory, '900_more.sql'), '-- one more\ncreate table extra (a int);\n');
  assert.deepEqual(await findDrift(await emptyDatabase(t), { directory }), ['+ column extra.a integer']);
});
