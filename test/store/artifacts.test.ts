import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REFERENCES } from '../../src/store/artifacts.ts';
import { testStore } from '../helper.ts';

test('every table with a storage key says which artifacts it needs', async (t) => {
  const { store } = await testStore(t);
  const tables = await store.$queryRaw<{ name: string }[]>`select table_name::text as name from information_schema.columns where column_name in ('storageKey', 'storageKeys') and table_schema = 'public' order by 1`;
  assert.deepEqual(tables.map(({ name }) => name), Object.keys(REFERENCES).sort());
});
