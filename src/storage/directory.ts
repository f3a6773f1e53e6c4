/** Artifacts in a folder: local, or of a network file system that all machines mount. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { fail } from '../errors.ts';
import type { ByteRange, Storage } from './storage.ts';

export function directoryStorage(folder: string): Storage {
  const root = resolve(folder);
  const pathOf = (key: string): string => {
    const path = resolve(root, key);
    if (!path.startsWith(root + sep)) throw fail('ARTIFACT_NOT_FOUND', { key });
    return path;
  };
  const sizeOf = async (key: string): Promise<{ sizeBytes: number } | null> => {
    const found = await stat(pathOf(key)).catch(() => null);
    return found === null ? null : { sizeBytes: found.size };
  };
  return {
    async write(prefix, extension, source) {
      // beside its place, so that the rename stays within one file system
      const temporary = join(root, prefix, `.${randomUUID()}.tmp`);
      await mkdir(dirname(temporary), { recursive: true });
      try {
        const { hash, sizeBytes } = await writeSynced(temporary, source);
        const key = `${prefix}/${hash}.${extension}`;
        await rename(temporary, pathOf(key));
        await syncFolder(dirname(pathOf(key)));
        return { key, digest: `sha256:${hash}`, sizeBytes };
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    read(key, range) {
      return Readable.from(readFrom(pathOf(key), key, range), { objectMode: false });
    },
    stat: sizeOf,
    async localPath(key) {
      if ((await sizeOf(key)) === null) throw fail('ARTIFACT_NOT_FOUND', { key });
      return pathOf(key);
    },
    async remove(key) {
      await rm(pathOf(key), { force: true });
    },
  };
}

async function* readFrom(path: string, key: string, range: ByteRange | undefined): AsyncGenerator<Uint8Array> {
  if (range !== undefined && range.end <= range.start) return;
  try {
    yield* createReadStream(path, range === undefined ? {} : { start: range.start, end: range.end - 1 }) as AsyncIterable<Buffer>;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') throw fail('ARTIFACT_NOT_FOUND', { key }, { cause });
    throw cause;
  }
}

async function writeSynced(path: string, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<{ hash: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(path, 'wx');
  try {
    for await (const chunk of source) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { hash: hash.digest('hex'), sizeBytes };
}

/** A rename is durable once its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
