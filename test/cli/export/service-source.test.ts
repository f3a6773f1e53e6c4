import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { pack } from 'tar-stream';
import { apiClient } from '../../../src/cli/client/api.ts';
import { writeFolder } from '../../../src/cli/export/folder.ts';
import { serviceSource } from '../../../src/cli/export/service-source.ts';
import { testFolder } from '../../helper.ts';

const o = { signal: new AbortController().signal, onBytes: () => undefined };

async function unpack(folder: string, names: readonly string[]): Promise<void> {
  const tar = pack();
  for (const name of names) tar.entry({ name }, '{}');
  tar.finalize();
  const client = { ...apiClient('http://127.0.0.1:1'), download: async () => ({ sizeBytes: 0, stream: Readable.from(tar) }) };
  const { files } = await serviceSource(client).open('ckpt_1', 'hf');
  await writeFolder(folder, files, o);
}

test('a tar is unpacked into the folder and nowhere else', async (t) => {
  const outer = await testFolder(t);
  await unpack(join(outer, 'model'), ['config.json']);
  assert.deepEqual(await readdir(join(outer, 'model')), ['config.json']);
  assert.equal(await readFile(join(outer, 'model', 'config.json'), 'utf8'), '{}');
  await assert.rejects(unpack(join(outer, 'other'), ['config.json', '../../outside.json']), /what is no file of an export: \.\.\/\.\.\/outside\.json/);
  assert.deepEqual(await readdir(outer), ['model']);
});
