import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoSets, draw, LANGUAGES, readMaterial, type Part } from '../../src/demo/generate.ts';
import { SHOWN } from '../../src/demo/options.ts';
import { spansOfTags } from '../../src/text/bio.ts';
import { segmentWords } from '../../src/text/words.ts';

const LABELS = ['LOC', 'MISC', 'ORG', 'PER'];
const MIN_PATTERNS = 60;
const MIN_NAMES = 150;

const materials = LANGUAGES.map(readMaterial);
const sets = demoSets();
const texts = (sentences: readonly { tokens: readonly string[] }[]): string[] => sentences.map(({ tokens }) => tokens.join(' '));
const fold = (text: string): string => text.toLowerCase();
/** What models learn from or are chosen by. */
const partsBesideTests = materials.flatMap(({ training, dev }) => [training, ...(dev === undefined ? [] : [dev])]);
const namesOf = (parts: readonly Part[]): string[] => parts.flatMap(({ names }) => Object.values(names).flat()).map(fold);

test('The demo has labeled English, and raw text and a labeled test set for each other language', () => {
  const sizes = sets.map(({ language, kind, split, sentences }) => `${language} ${kind} ${split} ${sentences.length}`);
  assert.deepEqual(sizes, [
    'en labeled train 800',
    'en labeled dev 150',
    'en labeled test 150',
    'es unlabeled train 350',
    'es labeled test 120',
    'de unlabeled train 350',
    'de labeled test 120',
    'nl unlabeled train 350',
    'nl labeled test 120',
    'zh unlabeled train 350',
    'zh labeled test 120',
  ]);
});

test('The same seed draws the same sentences, and another seed others', () => {
  assert.deepEqual(demoSets(), sets);
  const [material] = materials;
  assert.ok(material);
  const [one, other] = [1, 2].map((seed) => texts(draw(material, material.training, { count: 20, seed })));
  assert.notDeepEqual(one, other);
});

for (const material of materials) {
  const { language, fillers, training, dev, test: tests } = material;
  const parts = { training, ...(dev && { dev }), test: tests };

  test(`${language} has at least ${MIN_PATTERNS} patterns, and ${MIN_NAMES} names of each label`, () => {
    const all = Object.values(parts);
    assert.ok(new Set(all.flatMap(({ patterns }) => patterns)).size >= MIN_PATTERNS);
    for (const label of LABELS) assert.ok(new Set(all.flatMap(({ names }) => names[label] ?? []).map(fold)).size >= MIN_NAMES, label);
  });

  test(`${language}: every slot has a name or a filler, and words are apart by one space`, () => {
    for (const { patterns, names } of Object.values(parts)) {
      assert.deepEqual(Object.keys(names).sort(), LABELS);
      for (const text of [...patterns, ...Object.values({ ...names, ...fillers }).flat()]) assert.match(text, /^\S+( \S+)*$/);
      const unknown = patterns.flatMap((pattern) => pattern.split(' ')).filter((word) => /[{}]/.test(word) && !Object.hasOwn({ ...names, ...fillers }, word.slice(1, -1)));
      assert.deepEqual(unknown, []);
    }
  });

  test(`${language}: no filler is a name of that language`, () => {
    const names = new Set(Object.values(parts).flatMap(({ names: byLabel }) => Object.values(byLabel).flat()));
    assert.deepEqual(Object.values(fillers).flat().filter((filler) => names.has(filler)), []);
  });

  test(`${language}: nothing is listed twice`, () => {
    for (const { patterns, names } of Object.values(parts))
      for (const list of [patterns, ...Object.values(names)]) assert.deepEqual(list.filter((text, index) => list.map(fold).indexOf(fold(text)) < index), []);
  });
}

test('No name of a test set is one of any other set, in whatever language, label and case', () => {
  const others = new Set(namesOf(partsBesideTests));
  assert.deepEqual(namesOf(materials.map(({ test: part }) => part)).filter((name) => others.has(name)), []);
});

test('No pattern of a test set is one of any other set', () => {
  const others = new Set(partsBesideTests.flatMap(({ patterns }) => patterns.map(fold)));
  assert.deepEqual(materials.flatMap(({ test: { patterns } }) => patterns).filter((pattern) => others.has(fold(pattern))), []);
});

test('No sentence is in two sets, or twice in one', () => {
  const all = sets.flatMap(({ sentences }) => texts(sentences));
  assert.equal(new Set(all.map(fold)).size, all.length);
});

test('Every pattern of a part is drawn about equally often', () => {
  const patterns = Array.from({ length: 8 }, (_, index) => `pattern${index} {PER} {noun}`);
  const names = { PER: Array.from({ length: 30 }, (_, index) => `Name ${index}`) };
  const drawn = draw({ fillers: { noun: ['a', 'b', 'c'] } }, { patterns, names }, { count: 84, seed: 5 });
  const counts = patterns.map((_, index) => drawn.filter(({ tokens }) => tokens[0] === `pattern${index}`).length);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, String(counts));
});

test('Names are tagged as IOB2, fillers and other words as outside, and one name is not drawn twice in a sentence', () => {
  const part = { patterns: ['{PER} met {PER} in {place} .'], names: { PER: ['Ada Brook', 'Cy'] } };
  for (const { tokens, tags } of draw({ fillers: { place: ['the old hall'] } }, part, { count: 2, seed: 1 })) {
    assert.deepEqual(tags.slice(-5), ['O', 'O', 'O', 'O', 'O']);
    assert.deepEqual(spansOfTags(tags).map(({ wordStart, wordEnd, label }) => [tokens.slice(wordStart, wordEnd).join(' '), label]).sort(), [
      ['Ada Brook', 'PER'],
      ['Cy', 'PER'],
    ]);
  }
});

test('A part that cannot give enough sentences says so', () => {
  const part = { patterns: ['always the same'], names: {} };
  assert.throws(() => draw({ fillers: {} }, part, { count: 2, seed: 1 }), /1 patterns give 1 sentences, not 2/);
});

test('Labeled sets have a tag for each word and entities of every label, raw ones have no tags', () => {
  for (const { language, kind, split, sentences } of sets) {
    if (kind === 'unlabeled') assert.ok(sentences.every(({ tags }) => tags === undefined));
    else {
      assert.ok(sentences.every(({ tokens, tags }) => tags?.length === tokens.length));
      const labels = new Set(sentences.flatMap(({ tags = [] }) => spansOfTags(tags).map(({ label }) => label)));
      assert.deepEqual([...labels].sort(), LABELS, `${language} ${split}`);
    }
  }
});

test('Words are those that the service finds in running text, and entities begin and end where words do', () => {
  // Chinese has no spaces and more than one right way to be cut (81 % of the words are the same); entities are what counts
  const least = (language: string): number => (language === 'zh' ? 0.78 : 0.98);
  for (const { language, split, sentences } of sets) {
    const count = { words: 0, sameWords: 0, entities: 0, sameEntities: 0 };
    for (const { tokens, tags = [] } of sentences) {
      const glue = language === 'zh' ? '' : ' ';
      const starts = tokens.map((_, index) => tokens.slice(0, index).reduce((sum, token) => sum + token.length + glue.length, 0));
      const found = segmentWords(tokens.join(glue), language);
      const edges = new Set(found.flatMap(({ start, end }) => [`from ${start}`, `to ${end}`]));
      const isWhole = (from: number, to: number): boolean => edges.has(`from ${starts[from]}`) && edges.has(`to ${(starts[to - 1] ?? 0) + (tokens[to - 1]?.length ?? 0)}`);
      const words = new Set(found.map(({ start, word }) => `${start} ${word}`));
      count.words += tokens.length;
      count.sameWords += tokens.filter((token, index) => words.has(`${starts[index]} ${token}`)).length;
      const spans = spansOfTags(tags);
      count.entities += spans.length;
      count.sameEntities += spans.filter(({ wordStart, wordEnd }) => isWhole(wordStart, wordEnd)).length;
    }
    assert.ok(count.sameWords >= least(language) * count.words, `${language} ${split}: ${JSON.stringify(count)}`);
    assert.ok(count.sameEntities >= 0.98 * count.entities, `${language} ${split}: ${JSON.stringify(count)}`);
  }
});

test('The sentence shown for each language is in no set, and none of its names either', () => {
  assert.deepEqual(Object.keys(SHOWN), [...LANGUAGES]);
  for (const language of LANGUAGES) {
    const shown = ` ${segmentWords(SHOWN[language] ?? '', language).map(({ word }) => word).join(' ')} `;
    const all = namesOf(materials.flatMap(({ training, dev, test: part }) => [training, part, ...(dev === undefined ? [] : [dev])]));
    const hits = all.filter((name) => (language === 'zh' ? (SHOWN[language] ?? '').includes(name) : fold(shown).includes(` ${name} `)));
    assert.deepEqual(hits, [], language);
  }
});
