/** Uploads of a folder of CoNLL files, and who teaches and who learns. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Upload } from './api.ts';
import { CommandFailure } from './failure.ts';

/** `<lang>/{train,dev,test}.conll` and `<lang>/unlabeled.txt`. @throws CommandFailure where there is no such folder */
export async function setsOfFolder(folder: string): Promise<Upload[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new CommandFailure(`${folder} cannot be read: ${messageOf(cause)}`, { cause });
  });
  const prefix = `data-${basename(resolve(folder))}`;
  const sets: Upload[] = [];
  // a link may be a folder, too; what is none has none of the files
  for (const { name: language } of entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const split of ['train', 'dev', 'test'] as const) {
      const content = await readIfThere(join(folder, language, `${split}.conll`));
      if (content !== null) sets.push(named(prefix, { kind: 'labeled', language, split, content }));
    }
    const raw = await readIfThere(join(folder, language, 'unlabeled.txt'));
    if (raw !== null) sets.push(named(prefix, { kind: 'unlabeled', language, split: 'train', content: raw }));
  }
  return sets;
}

/** Languages with training labels teach; the others with raw text learn. */
export function sourcesOf(sets: readonly Upload[]): ReadonlySet<string> {
  return new Set(sets.filter(({ kind, split }) => kind === 'labeled' && split === 'train').map(({ language }) => language));
}

export function targetsOf(sets: readonly Upload[]): ReadonlySet<string> {
  const sources = sourcesOf(sets);
  return new Set(sets.filter(({ kind, language }) => kind === 'unlabeled' && !sources.has(language)).map(({ language }) => language));
}

/** The sources, and of the targets those asked for. @throws CommandFailure where nothing is left to teach or to learn */
export function chosenSets(sets: readonly Upload[], languages: readonly string[] | null): Upload[] {
  const [sources, targets] = [sourcesOf(sets), targetsOf(sets)];
  if (sources.size === 0) throw new CommandFailure('There is no <lang>/train.conll: a language with labels is needed');
  if (targets.size === 0) throw new CommandFailure('There is no <lang>/unlabeled.txt of a language without train.conll: raw text to learn from is needed');
  const unknown = languages?.find((language) => !sources.has(language) && !targets.has(language));
  if (unknown !== undefined) throw new CommandFailure(`There is no raw text for "${unknown}"; there is for: ${[...targets].join(', ')}`);
  if (languages?.every((language) => sources.has(language)) === true) throw new CommandFailure(`--languages needs one of: ${[...targets].join(', ')}`);
  return sets.filter(({ language }) => sources.has(language) || (targets.has(language) && (languages?.includes(language) ?? true)));
}

async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new CommandFailure(`${path} cannot be read: ${messageOf(cause)}`, { cause });
  }
}

/** The name tells content apart: corpora that have changed are uploaded under another one. */
export function named(prefix: string, set: Omit<Upload, 'name'>): Upload {
  const digest = createHash('sha256').update(set.content).digest('hex').slice(0, 8);
  return { name: `${prefix}-${set.language}-${set.kind === 'unlabeled' ? 'unlabeled' : set.split}-${digest}`, ...set };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
