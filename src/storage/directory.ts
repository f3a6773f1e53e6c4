/** Artifacts in a folder: local, or of a network file system that all machines mount. */
import { constants, createReadStream } from 'node:fs';
import { access, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { fail } from '../errors.ts';
import { hashOf, isKey, keyOf, verified } from './key.ts';
import { publish, removeTemporary, spool } from './spool.ts';
import type { ArtifactStat, ByteRange, Storage } from './storage.ts';

export function directoryStorage(folder: string): Storage {
  const root = resolve(folder);
  const pathOf = (key: string): string => {
    hashOf(key);
    return join(root, key);
  };
  const statOf = async (key: string): Promise<ArtifactStat | null> => {
    const found = isKey(key) ? await statOrNull(pathOf(key)) : null;
    return found === null ? null : { sizeBytes: found.size, modifiedAt: found.mtime };
  };
  async function* list(prefix?: string): AsyncGenerator<ArtifactStat & { key: string }> {
    for (const folder of prefix === undefined ? await namesIn(root) : [prefix]) {
      for (const name of await namesIn(join(root, folder))) {
        const key = `${folder}/${name}`;
        const found = await statOf(key);
        if (found !== null) yield { key, ...found };
      }
    }
  }
  return {
    place: root,
    async check() {
      try {
        await mkdir(root, { recursive: true });
        await access(root, constants.R_OK | constants.W_OK | constants.X_OK);
      } catch (cause) {
        const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
        throw fail('STORAGE_UNAVAILABLE', { place: root, detail: `the folder cannot be written to (${code}); set ARTIFACTS_DIR, or mend its owner` }, { cause });
      }
    },
    async write(prefix, extension, source) {
      // beside its place, so that the rename stays within one file system
      const { path, hash, sizeBytes } = await spool(join(root, prefix), source);
      const key = keyOf(prefix, hash, extension);
      try {
        await publish(path, pathOf(key));
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
      return { key, digest: `sha256:${hash}`, sizeBytes };
    },
    read(key, range) {
      return Readable.from(range === undefined ? verified(key, contentOf(root, key)) : contentOf(root, key, range), { objectMode: false });
    },
    stat: statOf,
    list,
    async localPath(key) {
      if ((await statOf(key)) === null) throw fail('ARTIFACT_NOT_FOUND', { key });
      return pathOf(key);
    },
    async remove(key) {
      if (isKey(key)) await rm(pathOf(key), { force: true });
    },
    removeLeftovers: (before) => removeTemporary(root, before),
  };
}

async function* contentOf(root: string, key: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
  hashOf(key);
  if (range !== undefined && range.end <= range.start) return;
  try {
    yield* createReadStream(join(root, key), range === undefined ? {} : { start: range.start, end: range.end - 1 }) as AsyncIterable<Buffer>;
  } catch (cause) {
    if (isMissing(cause)) throw fail('ARTIFACT_NOT_FOUND', { key }, { cause });
    throw cause;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return [];
    throw error;
  });
}

async function statOrNull(path: string): Promise<{ size: number; mtime: Date } | null> {
  return stat(path).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
