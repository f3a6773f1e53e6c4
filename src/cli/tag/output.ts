/**
 * Where tagged texts go: stdout, or a file that is there only when it is whole. Until then it is FILE.partial, and FILE.partial.json says how much
 * of it is on the disk for sure and of what it was made: a run that was killed goes on there, what lies behind is cut off and made again.
 * FILE.summary.json then says what the file was made by. A last line of it, or a field in each, was thought of: lines stay as many as texts so, all of
 * one kind, CoNLL has its summary as well, and a name of 25 letters is not written a million times.
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
  /** Texts, those that could not be tagged included. */
  readonly records: number;
  readonly entities: number;
  /** Texts that could not be tagged. */
  readonly errors: number;
  /** Texts whose end was not read. */
  readonly truncated: number;
  /** Of their texts: `sourcesDigest`. */
  readonly digest: string;
}

export const NOTHING: Progress = { records: 0, entities: 0, errors: 0, truncated: 0, digest: '' };

export interface Output {
  /** Null where nothing is there from before. */
  readonly before: Progress | null;
  readonly settings: Settings;
  /** @param progress with this text */
  write(text: string, progress: Progress): Promise<void>;
  /** The file takes its name. */
  finish(): Promise<void>;
  /** Not whole: kept to go on with. */
  leave(): Promise<void>;
}

export interface OutputOptions {
  /** Given the settings of before, those of now. */
  readonly settingsOf: (before: Settings | null) => Promise<Settings>;
  /** A file that is there is made anew. */
  readonly isRestart: boolean;
  /** What was begun is not gone on with. */
  readonly isAnew: boolean;
}

interface Journal extends Progress {
  readonly settings: Settings;
  readonly bytes: number;
  /** Begun by a command that makes the file anew, which such a command goes on with. */
  readonly isRestart: boolean;
}

export function stdoutOutput(settings: Settings): Output {
  return {
    before: null,
    settings,
    async write(text) {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    },
    finish: () => Promise.resolve(),
    leave: () => Promise.resolve(),
  };
}

/** @throws CommandFailure where a file is there that is not to be gone on with */
export async function openOutput(path: string, o: OutputOptions): Promise<Output> {
  const partial = `${path}.partial`;
  const journalPath = `${partial}.json`;
  const found = await begun(path, o);
  const { settings, before } = o.isRestart ? await sameOrNone(partial, found, o) : await same(path, found, o);
  // before the file that it speaks of changes
  if (before === null) await rm(journalPath, { force: true });
  const file = await open(partial, before === null ? 'w' : 'r+');
  let journal: Journal = before ?? { settings, isRestart: o.isRestart, bytes: 0, ...NOTHING };
  await file.truncate(journal.bytes);
  let savedAt = performance.now();

  async function save(): Promise<void> {
    await file.datasync();
    await replace(journalPath, JSON.stringify(journal));
    savedAt = performance.now();
  }
  return {
    before,
    settings,
    async write(text, progress) {
      const bytes = Buffer.from(text);
      await writeAll(file, bytes, journal.bytes);
      journal = { ...journal, ...progress, bytes: journal.bytes + bytes.length };
      if (performance.now() - savedAt > SAVE_EVERY_MS) await save();
    },
    async finish() {
      await save();
      await file.close();
      // a summary of what was there before must not stand beside the new file
      await rm(`${path}.summary.json`, { force: true });
      await rename(partial, path);
      await summarize(path, journal);
    },
    async leave() {
      if (journal.records > 0) await save();
      await file.close();
    },
  };
}

/** The journal that the command may go on with. */
async function begun(path: string, { isRestart, isAnew }: OutputOptions): Promise<Journal | null> {
  const journal = await readJournal(`${path}.partial.json`);
  const isThere = (await sizeOf(path)) !== null;
  // killed between the file's name and its summary
  const isNamed = journal !== null && isThere && (await sizeOf(`${path}.partial`)) === null;
  if (isNamed) await summarize(path, journal);
  const isGoingOn = journal !== null && !isNamed;
  if (!isRestart && isThere) throw new CommandFailure(`${path} is there already; --restart ${isGoingOn && journal.isRestart ? 'goes on to make' : 'makes'} it anew`);
  return !isGoingOn || isAnew || (isRestart && !journal.isRestart) ? null : journal;
}

interface Begin {
  readonly settings: Settings;
  readonly before: Journal | null;
}

/** @throws CommandFailure where it was begun otherwise */
async function same(path: string, found: Journal | null, { settingsOf }: OutputOptions): Promise<Begin> {
  const settings = await settingsOf(found?.settings ?? null);
  if (found !== null) {
    const other = otherThan(found.settings, settings);
    if (other !== null) throw new CommandFailure(`${path}.partial was made with ${other} ${found.settings[other] ?? 'not given'}, now it is ${settings[other] ?? 'not given'}; --restart begins anew`);
    if (!(await isLeft(`${path}.partial`, found))) throw new CommandFailure(`${path}.partial is shorter than it was; --restart makes it anew`);
  }
  return { settings, before: found };
}

/** Whoever wants the file anew is not held up by what was begun otherwise. */
async function sameOrNone(partial: string, found: Journal | null, { settingsOf }: OutputOptions): Promise<Begin> {
  const settings = await settingsOf(found?.settings ?? null);
  const isSame = found !== null && otherThan(found.settings, settings) === null && (await isLeft(partial, found));
  return isSame ? { settings, before: found } : { settings: found === null ? settings : await settingsOf(null), before: null };
}

function otherThan(before: Settings, now: Settings): string | null {
  return Object.keys({ ...before, ...now }).find((name) => before[name] !== now[name]) ?? null;
}

async function isLeft(partial: string, { bytes }: Journal): Promise<boolean> {
  return ((await sizeOf(partial)) ?? 0) >= bytes;
}

/** The last of it: nothing is left to go on with. */
async function summarize(path: string, { settings, records, entities, errors, truncated }: Journal): Promise<void> {
  await replace(`${path}.summary.json`, `${JSON.stringify({ ...settings, texts: records, entities, errors, truncated })}\n`);
  await rm(`${path}.partial.json`, { force: true });
  await syncFolder(path);
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
