/** What the demo uploads: its own corpora, or a folder of CoNLL files of the user's. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { demoSets } from '../../demo/generate.ts';
import { fail } from '../../errors.ts';
import type { UploadedSet } from './client.ts';

/** The name tells content apart, so that corpora that changed are uploaded under another one. */
export function ownSets(): UploadedSet[] {
  return demoSets().map(({ language, kind, split, sentences }) => {
    const content = sentences.map(({ tokens, tags = [] }) => tokens.map((token, word) => (kind === 'labeled' ? `${token}\t${tags[word]}` : token)).join('\n')).join('\n\n');
    return named('demo', { kind, language, split, content });
  });
}

/** `<lang>/{train,dev,test}.conll` and `<lang>/unlabeled.txt`. @throws DATA_FOLDER_EMPTY */
export async function setsOfFolder(folder: string, languages: readonly string[] | null): Promise<UploadedSet[]> {
  const sets: UploadedSet[] = [];
  const found = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
  for (const language of languages ?? found) {
    const read = async (file: string): Promise<Uint8Array<ArrayBuffer> | null> => readFile(join(folder, language, file)).then((bytes) => new Uint8Array(bytes), () => null);
    for (const split of ['train', 'dev', 'test'] as const) {
      const content = await read(`${split}.conll`);
      if (content !== null) sets.push(named(`data-${basename(folder)}`, { kind: 'labeled', language, split, content }));
    }
    const raw = await read('unlabeled.txt');
    if (raw !== null) sets.push(named(`data-${basename(folder)}`, { kind: 'unlabeled', language, split: 'train', content: raw }));
  }
  const hasSource = sets.some(({ kind, split }) => kind === 'labeled' && split === 'train');
  const hasTarget = sets.some(({ kind }) => kind === 'unlabeled');
  if (!hasSource || !hasTarget) throw fail('DATA_FOLDER_EMPTY', { folder, missing: hasSource ? '<lang>/unlabeled.txt' : '<lang>/train.conll' });
  return sets;
}

function named(prefix: string, set: Omit<UploadedSet, 'name'>): UploadedSet {
  const digest = createHash('sha256').update(set.content).digest('hex').slice(0, 8);
  return { name: `${prefix}-${set.language}-${set.kind === 'unlabeled' ? 'raw' : set.split}-${digest}`, ...set };
}
