/** A folder that is there whole or not at all. */
import { chmod, mkdir, mkdtemp, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CommandFailure } from '../client/failure.ts';
import type { SourceFile } from './source.ts';

/** @throws CommandFailure where it holds anything, or is no folder */
export async function assertFree(path: string): Promise<void> {
  const entries = await readdir(path).catch((cause: unknown) => {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new CommandFailure(code === 'ENOTDIR' ? `${path} is no folder; nothing is overwritten` : `${path} cannot be written: ${message}`, { cause });
  });
  if (entries.length > 0) throw new CommandFailure(`${path} is not empty; nothing is overwritten`);
}

/** Written beside and then renamed. @param onBytes all bytes so far, and the file that they go to @throws CommandFailure, and what reading the files throws */
export async function writeFolder(
  path: string,
  files: AsyncIterable<SourceFile> | Iterable<SourceFile>,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (done: number, file: string) => void },
): Promise<{ names: string[]; sizeBytes: number }> {
  const target = await realpath(path).catch(() => path); // a link may point at an empty folder
  await mkdir(dirname(target), { recursive: true });
  const temporary = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  const names: string[] = [];
  let sizeBytes = 0;
  try {
    for await (const { name, chunks } of files) {
      const write = (size: number): void => {
        signal.throwIfAborted();
        onBytes((sizeBytes += size), name);
      };
      await writeWhole(join(temporary, name), chunks(), write);
      names.push(name);
    }
    await chmod(temporary, 0o755); // mkdtemp makes it 0700
    await rename(temporary, target).catch((cause: unknown) => {
      throw new CommandFailure(`${path} cannot be written: ${(cause as Error).message}`, { cause });
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { names, sizeBytes };
}

async function writeWhole(path: string, chunks: AsyncIterable<Uint8Array>, onChunk: (bytes: number) => void): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    for await (const chunk of chunks) {
      await file.writeFile(chunk);
      onChunk(chunk.length);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}
