import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { loadBackend, mapFile } from '../../src/tensor/backend.ts';
import { encodeHeader, encodeSafetensors, SafetensorsFile, toHalf } from '../../src/tensor/safetensors.ts';
import { testFolder } from '../helper.ts';

before(() => loadBackend({ device: 'cpu' }));

const rows = Array.from({ length: 5 }, (_, row) => Array.from({ length: 3 }, (_, column) => row - column / 4));

test('rows of a mapped table equal its values, in every stored type', async (t) => {
  const folder = await testFolder(t);
  const values = rows.flat();
  const stored = {
    F32: Buffer.from(Float32Array.from(values).buffer),
    F16: Buffer.from(Uint16Array.from(values, toHalf).buffer),
    BF16: Buffer.from(Uint16Array.from(values, (value) => (new Uint32Array(Float32Array.of(value).buffer)[0] as number) >>> 16).buffer),
  };
  for (const [dtype, bytes] of Object.entries(stored)) {
    const path = join(folder, dtype);
    await writeFile(path, Buffer.concat([encodeHeader({ table: { dtype, shape: [5, 3], data_offsets: [0, bytes.length] } }), bytes]));
    const file = new SafetensorsFile(path);
    assert.deepEqual(rows.map((_, row) => [...file.row('table', row)]), rows, dtype);
    assert.deepEqual([...file.tensor('table').data], values, dtype);
    assert.throws(() => file.row('table', 5), { code: 'SAFETENSORS_INVALID', message: /has no row 5/ });
    file.close();
    assert.throws(() => file.row('table', 0), { code: 'SAFETENSORS_INVALID', message: /closed/ });
  }
});

test('a row outlives its file, and writing to it does not reach the file', async (t) => {
  const path = join(await testFolder(t), 'table');
  await writeFile(path, Buffer.concat([...encodeSafetensors({ table: { shape: [5, 3], data: Float32Array.from(rows.flat()) } })]));
  const file = new SafetensorsFile(path);
  const row = file.row('table', 4);
  row[0] = 7;
  file.close();
  assert.deepEqual([...row.slice(1)], rows[4]?.slice(1));
  const again = new SafetensorsFile(path);
  assert.deepEqual([...again.row('table', 4)], rows[4]);
  again.close();
});

test('what is no open file is not mapped', () => {
  assert.throws(() => mapFile(-1), { code: 'FILE_NOT_MAPPED' });
});
