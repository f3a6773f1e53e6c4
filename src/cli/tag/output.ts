/**
 * Where tagged texts go: stdout, or a file that is there only when it is whole. Until then it is FILE.partial, and FILE.partial.json says how much
 * of it is on the disk for sure and of what it was made: a run that was killed goes on there, what lies behind is cut off and made again.
 */
import { once } from 'node:events';
import { open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandFailure } from '../client/failure.ts';

const SAVE_EVERY_MS = 1_000;

/** What decides the content of the output, beside the texts. */
export type Settings = Readonly<Record<string, string | number>>;

/** How far an output is. */
export interface Progress {
  readonly records: number;
  /** Of their texts: `sourcesDigest`. */
  readonly digest: string;
}

export interface Output {
  /** Null where nothing is there from before. */
  readonly before: (Progress & { readonly settings: Settings }) | null;
  /** @param progress with this text */
  write(text: string, progress: Progress): Promise<void>;
  /** The file takes its name. */
  finish(): Promise<void>;
  /** Not whole: kept to go on with. */
  leave(): Promise<void>;
}

interface Journal extends Progress {
  readonly settings: Settings;
  readonly bytes: number;
}

export const stdoutOutput: Output = {
  before: null,
  async write(text) {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain');
  },
  finish: () => Promise.resolve(),
  leave: () => Promise.resolve(),
};

/** @param o.settingsOf given those of before, those of now. @throws CommandFailure where a file is there that is not to be gone on with */
export async function openOutput(path: string, o: { settingsOf: (before: Settings | null) => Promise<Settings>; isRestart: boolean }): Promise<Output> {
  const partial = `${path}.partial`;
  const journalPath = `${partial}.json`;
  if (!o.isRestart && (await sizeOf(path)) !== null) throw new CommandFailure(`${path} is there already; --restart makes it anew`);
  const before = o.isRestart ? null : await readJournal(journalPath);
  const settings = await o.settingsOf(before?.settings ?? null);
  if (before !== null) refuseOthers(before.settings, settings, path);
  if (before !== null && ((await sizeOf(partial)) ?? 0) < before.bytes) throw new CommandFailure(`${partial} is shorter than it was; --restart makes it anew`);
  // before the file that it speaks of changes
  if (before === null) await rm(journalPath, { force: true });
  const file = await open(partial, before === null ? 'w' : 'r+');
  let journal: Journal = before ?? { settings, records: 0, digest: '', bytes: 0 };
  await file.truncate(journal.bytes);
  let savedAt = performance.now();

  async function save(): Promise<void> {
    await file.datasync();
    await replace(journalPath, JSON.stringify(journal));
    savedAt = performance.now();
  }
  return {
    before,
    async write(text, progress) {
      const bytes = Buffer.from(text);
      await writeAll(file, bytes, journal.bytes);
      journal = { settings, ...progress, bytes: journal.bytes + bytes.length };
      if (performance.now() - savedAt > SAVE_EVERY_MS) await save();
    },
    async finish() {
      await file.sync();
      await file.close();
      await rename(partial, path);
      await rm(journalPath, { force: true });
      await syncFolder(path);
    },
    async leave() {
      if (journal.records > 0) await save();
      await file.close();
    },
  };
}

function refuseOthers(before: Settings, now: Settings, path: string): void {
  const other = Object.keys({ ...before, ...now }).find((name) => before[name] !== now[name]);
  if (other === undefined) return;
  throw new CommandFailure(`${path}.partial was made with ${other} ${before[other] ?? 'not given'}, now it is ${now[other] ?? 'not given'}; --restart begins anew`);
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}

async function readJournal(path: string): Promise<Journal | null> {
  return (await sizeOf(path)) === null ? null : (JSON.parse(await readFile(path, 'utf8')) as Journal);
}

/** Whole or not at all. */
async function replace(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w');
  await file.writeFile(text);
  await file.sync();
  await file.close();
  await rename(`${path}.new`, path);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path));
  await folder.sync();
  await folder.close();
}

async function sizeOf(path: string): Promise<number | null> {
  return (await stat(path).catch(() => null))?.size ?? null;
}
