/**
 * Artifacts of S3 as files of this machine, for readers that map them. Processes share it without locks: a file appears whole under the name of
 * its content, and who fetches what another fetches at the same time writes the same. Beyond the limit the longest unused go.
 */
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isKey } from './key.ts';
import { publish, removeTemporary, spool, type Spooled } from './spool.ts';
import type { ArtifactSource } from './storage.ts';

/**
 * Between being told a path and opening it a reader needs the name, and digests of gigabytes take a while. Once the file is open or mapped,
 * Linux keeps its content for that reader, whatever becomes of the name: so what was asked for this recently stays, and anything else may go.
 */
const KEPT_FOR_MS = 10 * 60_000;
const LEFTOVER_MS = 24 * 60 * 60_000;

export interface ArtifactCache {
  /** A temporary file in the cache's file system, for `keep`. */
  spool(source: ArtifactSource): Promise<Spooled>;
  /** The file becomes the key's; then room is made. @returns its path */
  keep(key: string, temporary: string): Promise<string>;
  /** Marks it as used. @returns null where it is not here */
  find(key: string): Promise<string | null>;
  forget(key: string): Promise<void>;
}

export function artifactCache({ folder, limitBytes }: { folder: string; limitBytes: number }): ArtifactCache {
  const pathOf = (key: string): string => join(folder, key);
  return {
    spool: (source) => spool(folder, source),
    async keep(key, temporary) {
      await publish(temporary, pathOf(key));
      await makeRoom(folder, limitBytes);
      return pathOf(key);
    },
    async find(key) {
      const now = new Date();
      // not the time of access, which many file systems do not keep
      const isHere = await utimes(pathOf(key), now, now).then(() => true, () => false);
      return isHere ? pathOf(key) : null;
    },
    forget: (key) => rm(pathOf(key), { force: true }),
  };
}

async function makeRoom(folder: string, limitBytes: number): Promise<void> {
  await removeTemporary(folder, new Date(Date.now() - LEFTOVER_MS));
  const files = await cachedFiles(folder);
  let total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const { path, sizeBytes, usedAtMs } of files.sort((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (total <= limitBytes || Date.now() - usedAtMs < KEPT_FOR_MS) return;
    await rm(path, { force: true });
    total -= sizeBytes;
  }
}

async function cachedFiles(folder: string): Promise<{ path: string; sizeBytes: number; usedAtMs: number }[]> {
  const files: { path: string; sizeBytes: number; usedAtMs: number }[] = [];
  for (const prefix of await readdir(folder)) {
    for (const name of await readdir(join(folder, prefix)).catch(() => [])) {
      if (!isKey(`${prefix}/${name}`)) continue;
      const path = join(folder, prefix, name);
      const found = await stat(path).catch(() => null); // another process may have removed it
      if (found !== null) files.push({ path, sizeBytes: found.size, usedAtMs: found.mtimeMs });
    }
  }
  return files;
}
