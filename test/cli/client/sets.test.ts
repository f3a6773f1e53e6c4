import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { chosenSets, setsOfFolder, sourcesOf, targetsOf } from '../../../src/cli/client/sets.ts';
import { ownSets } from '../../../src/cli/demo/own-sets.ts';

async function folderOf(t: TestContext, files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'mtmt-data-'));
  t.after(() => rm(root, { recursive: true }));
  const folder = join(root, 'news');
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

const FILES = { 'en/train.conll': 'Ada\tB-PER\n', 'en/test.conll': 'Bo\tB-PER\n', 'en/unlabeled.txt': 'Hi\n', 'es/unlabeled.txt': 'Hola\n', 'es/test.conll': 'Eva\tB-PER\n', 'nl/unlabeled.txt': 'Hoi\n', 'README.md': '#' };

test('The own corpora are CoNLL files named by language, use and content', () => {
  const sets = ownSets();
  assert.match(sets[0]?.name ?? '', /^demo-en-train-[0-9a-f]{8}$/);
  assert.match(String(sets[0]?.content), /^\S+\t(O|B-\w+)\n/);
  const raw = sets.find(({ kind }) => kind === 'unlabeled');
  assert.match(raw?.name ?? '', /^demo-es-unlabeled-[0-9a-f]{8}$/);
  assert.doesNotMatch(String(raw?.content), /\t/);
});

test('A folder of files becomes sets by language and split', async (t) => {
  const sets = await setsOfFolder(`${await folderOf(t, FILES)}/`);
  assert.deepEqual(
    sets.map(({ name, kind, language, split }) => [name.replace(/-[0-9a-f]{8}$/, ''), kind, language, split]),
    [
      ['data-news-en-train', 'labeled', 'en', 'train'],
      ['data-news-en-test', 'labeled', 'en', 'test'],
      ['data-news-en-unlabeled', 'unlabeled', 'en', 'train'],
      ['data-news-es-test', 'labeled', 'es', 'test'],
      ['data-news-es-unlabeled', 'unlabeled', 'es', 'train'],
      ['data-news-nl-unlabeled', 'unlabeled', 'nl', 'train'],
    ],
  );
});

test('Languages with training labels are sources, the others with raw text targets', async (t) => {
  const sets = await setsOfFolder(await folderOf(t, FILES));
  assert.deepEqual([[...sourcesOf(sets)], [...targetsOf(sets)]], [['en'], ['es', 'nl']]);
});

test('Chosen languages are targets; sources stay', async (t) => {
  const sets = chosenSets(await setsOfFolder(await folderOf(t, FILES)), ['nl']);
  assert.deepEqual([...new Set(sets.map(({ language }) => language))], ['en', 'nl']);
});

test('A folder that cannot be used says what is missing', async (t) => {
  await assert.rejects(setsOfFolder('/nowhere/at/all'), { message: /^\/nowhere\/at\/all cannot be read: ENOENT/ });
  const noSource = await setsOfFolder(await folderOf(t, { 'es/unlabeled.txt': 'Hola\n' }));
  assert.throws(() => chosenSets(noSource, null), { message: /no <lang>\/train\.conll/ });
  const noTarget = await setsOfFolder(await folderOf(t, { 'en/train.conll': 'Ada\tB-PER\n' }));
  assert.throws(() => chosenSets(noTarget, null), { message: /no <lang>\/unlabeled\.txt/ });
});

test('A language that is not there says which are', () => {
  assert.throws(() => chosenSets(ownSets(), ['fr']), { message: 'There is no raw text for "fr"; there is for: es, de, nl, zh' });
  assert.throws(() => chosenSets(ownSets(), ['en']), { message: '--languages needs one of: es, de, nl, zh' });
});
