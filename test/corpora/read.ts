/** What tests of formats share: a file's content in small chunks, read into a storage of its own. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ingest, readPairs, readSentences, type IngestOptions } from '../../src/corpora/ingest.ts';
import { MtmtError } from '../../src/errors.ts';
import { directoryStorage } from '../../src/storage/directory.ts';
import { testFolder, type Cleaner } from '../helper.ts';

export async function* chunks(content: string | Buffer, size = 7): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(content);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function read(t: Cleaner, content: string | Buffer, options: Partial<IngestOptions> = {}) {
  const root = await testFolder(t);
  const storage = directoryStorage(root);
  const ingested = await ingest(chunks(content), { kind: 'labeled', format: 'auto', language: 'en', ...options }, storage).catch(async (error: unknown) => {
    assert.deepEqual(await readdir(join(root, 'datasets')).catch(() => []), [], 'nothing is stored');
    throw error;
  });
  const items: unknown[] = [];
  for await (const item of ingested.pairs > 0 ? readPairs(storage, ingested.storageKey) : readSentences(storage, ingested.storageKey)) items.push(item);
  return { ...ingested, items };
}

export async function errorsOf(t: Cleaner, content: string | Buffer, options: Partial<IngestOptions> = {}) {
  const error = await read(t, content, options).then(
    () => assert.fail('it was accepted'),
    (error: unknown) => error,
  );
  assert.ok(error instanceof MtmtError, String(error));
  assert.equal(error.code, 'DATASET_INVALID', error.message);
  return error.errors ?? [];
}
