/** Files that appear under their name only when they are whole and on the disk. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArtifactSource } from './storage.ts';

export interface Spooled {
  readonly path: string;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
  readonly sizeBytes: number;
}

const TEMPORARY = /^\.[0-9a-f-]{36}\.tmp$/;

/** Writes a temporary file, which is gone again where the source fails. */
export async function spool(folder: string, source: ArtifactSource): Promise<Spooled> {
  const path = join(folder, `.${randomUUID()}.tmp`);
  await mkdir(folder, { recursive: true });
  try {
    return { path, ...(await writeSynced(path, source)) };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** Both paths are of one file system. */
export async function publish(temporary: string, path: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  await rename(temporary, path);
  // a rename is durable once its folder is
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Temporary files of processes that were killed, anywhere in the folder. @returns how many */
export async function removeTemporary(folder: string, before: Date): Promise<number> {
  let removed = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!entry.isFile() || !TEMPORARY.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => null);
    if (found === null || found.mtime >= before) continue;
    await rm(path, { force: true });
    removed++;
  }
  return removed;
}

async function writeSynced(path: string, source: ArtifactSource): Promise<{ hash: string; sizeBytes: number }> {
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
