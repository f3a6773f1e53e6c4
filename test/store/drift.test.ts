import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { findDrift } from '../../src/store/drift.ts';
import { emptyDatabase } from '../helper.ts';

test('schema and migrations agree, and a column that only the schema has is found', async (t) => {
  const url = await emptyDatabase(t);
  assert.deepEqual(await findDrift(url), []);
  const schema = await readFile(new URL('../../prisma/schema.prisma', import.meta.url), 'utf8');
  const changed = schema.replace('  hypothesis   String?', '  hypothesis   String?\n  conclusion   String?');
  assert.notEqual(changed, schema);
  const drift = await findDrift(url, { schema: changed });
  assert.equal(drift.length, 1);
  assert.match(drift[0] ?? '', /^- column Experiment\.conclusion text/);
});
