/**
 * POST /hf/token-classification beside transformers' own pipeline, which has answered for the same models as `mtmt export` writes them
 * (fixtures/hugging-face). The models have no temperature, so that our scores are plain probabilities, as the pipeline's always are.
 */
import assert from 'node:assert/strict';
import { before, test, type TestContext } from 'node:test';
import { openCheckpoint } from '../../src/checkpoints/load.ts';
import type { Aggregation } from '../../src/schemas/ner.ts';
import type { TokenClassificationItem } from '../../src/schemas/hugging-face.ts';
import { openEncoders } from '../../src/tagging/encoders.ts';
import { loadTaggingModel } from '../../src/tagging/load.ts';
import { modelPool } from '../../src/tagging/pool.ts';
import { tagging } from '../../src/tagging/tag.ts';
import { loadBackend } from '../../src/tensor/backend.ts';
import { segmentWords } from '../../src/text/words.ts';
import { modelOf, readGolden, type Golden, type PipelineItem } from '../fixtures/hugging-face/model.ts';
import { openApi } from './api.ts';

/** Of scores: both are rounded to six digits, and sums are taken in other orders. */
const BOUND = 2e-5;
const PUNCTUATION = /\p{P}/u;

type Answers = Record<Aggregation, TokenClassificationItem[][]>;

before(() => loadBackend({ device: 'cpu' }));

test('a BERT: every text is read alike, so that the first pieces of words are', async (t) => {
  const { golden, ours } = await ask(t, 'tiny-bert');
  const { texts, answers } = golden;

  await t.test('items have the pipeline’s fields but `index`, which the inference API has not', () => {
    for (const strategy of Object.keys(answers) as Aggregation[]) {
      const [theirs, our] = [answers[strategy].flat()[0], ours[strategy].flat()[0]].map((item) => Object.entries(item ?? {}).map(([name, value]) => `${name}: ${typeof value}`).sort());
      assert.deepEqual(our, theirs?.filter((field) => field !== 'index: number'), strategy);
    }
  });
  await t.test('none: an item for each word, as its first piece says; the pipeline has one for each piece', () => assertFirstPieces(texts, answers.none, ours.none));
  await t.test('a word is what its offsets cut from the text', () => assertCut(texts, ours));
  await t.test('first: the same wherever words are', () => {
    const plain = texts.map((text) => !PUNCTUATION.test(text));
    assert.equal(assertEqual(only(answers.first, plain), only(ours.first, plain)), 14);
  });
  const whole = texts.map((text, index) => firstPieces(text, answers.none[index] ?? []).every(({ isWhole }) => isWhole));
  await t.test('simple: the same where words are one piece each', () => {
    assert.equal(assertEqual(only(answers.simple, whole), only(ours.simple, whole)), 9);
  });
  for (const strategy of ['average', 'max'] as const) {
    await t.test(`${strategy}: the same entities there; a score is of the label, B- and I- together, not of one tag`, () => {
      const [theirs, our] = [only(answers[strategy], whole).flat(), only(ours[strategy], whole).flat()];
      assert.deepEqual(our.map(unscored), theirs.map(unscored));
      const more = our.map(({ score }, index) => score - (theirs[index]?.score ?? NaN));
      assert.ok(more.every((each) => each >= -BOUND) && more.some((each) => each > 10 * BOUND), more.join());
    });
  }
  await t.test('words of several pieces are never cut, nor lost by what was never trained: later pieces have no say', () => {
    for (const strategy of ['simple', 'average', 'max'] as const) assert.deepEqual(ours[strategy].map((items) => items.map(unscored)), ours.first.map((items) => items.map(unscored)), strategy);
    assert.deepEqual(wordsOf(ours.first[0]), ['Anna Keller', 'Berlin', 'Den Haag']);
    assert.deepEqual(wordsOf(answers.simple[0]), ['Anna Keller', 'Berlin', 'De', 'H', '##a', '##a']);
    for (const strategy of ['average', 'max'] as const) assert.ok(!wordsOf(answers[strategy][0]).includes('Den Haag'));
  });
  await t.test('hyphens and apostrophes are in words, where the pipeline’s words end at them', () => {
    assert.deepEqual(wordsOf(ours.first[6]), ['Philip Núñez-García', "'s-Hertogenbosch"]);
    assert.ok(wordsOf(answers.first[6]).includes('Philip Núñez'));
  });
});

test('an XLM-R, whose pieces know no words', async (t) => {
  const { golden: { texts, answers }, ours } = await ask(t, 'tiny-xlm-roberta');
  // each of our words begins with a word-start mark, as corpora's words do; the pipeline reads punctuation without one, which is another input
  const plain = texts.map((text) => !PUNCTUATION.test(text));

  await t.test('none: as its first pieces say', () => assertFirstPieces(texts.filter((_, index) => plain[index]), only(answers.none, plain), only(ours.none, plain)));
  await t.test('a word is what its offsets cut from the text', () => assertCut(texts, ours));
  await t.test('entities are the words that they are, where the pipeline cuts the space before, or the full stop behind', () => {
    assert.deepEqual(ours.first.map(wordsOf), [['Anna Keller', 'Berlin'], ['María Núñez', 'Bogotá'], ['European Central Bank'], ['Zoë', 'Köln'], []]);
    const cut = answers.first.flatMap((items, index) => items.map(({ start, end }) => cutOf(texts[index] ?? '', start, end)));
    assert.ok(cut.includes(' Keller') && cut.includes(' Köln.'), cut.join('|'));
  });
});

async function ask(t: TestContext, fixture: string): Promise<{ golden: Golden; ours: Answers }> {
  const golden = await readGolden(fixture);
  const { storage, encoder, directory, saved } = await modelOf(t, fixture, golden.head);
  const encoders = openEncoders();
  const load = async () => loadTaggingModel({ checkpoint: await openCheckpoint(storage, saved), open: await encoders.open(encoder), precision: 'float32', cacheDir: directory });
  const pool = modelPool({ find: async () => ({ sizeBytes: 1, load }), budgetBytes: 1 });
  t.after(async () => {
    await pool.close();
    await encoders.close();
  });
  const { tag } = tagging({ pool, checkpointOfAlias: async () => 'ckpt_1', scoredLanguages: async () => [], limit: 10 });
  const api = await openApi(t, { tagger: { tag: (request) => tag(request) } });
  const asked = (strategy: Aggregation): Promise<TokenClassificationItem[][]> => api.must('POST', '/hf/token-classification', { inputs: golden.texts, parameters: { aggregation_strategy: strategy } });
  return { golden, ours: { none: await asked('none'), simple: await asked('simple'), first: await asked('first'), average: await asked('average'), max: await asked('max') } };
}

interface FirstPiece {
  readonly item: PipelineItem;
  readonly word: { readonly word: string; readonly start: number; readonly end: number };
  /** It is all of the word. */
  readonly isWhole: boolean;
}

/** Of each of our words. @param items all pieces of the text */
function firstPieces(text: string, items: readonly PipelineItem[]): FirstPiece[] {
  return segmentWords(text).map(({ word, start: from, end: to }) => {
    const [start, end] = [from, to].map((at) => Array.from(text.slice(0, at)).length) as [number, number];
    // a piece with a word-start mark has the space before it in its offsets
    const item = items.find((each) => each.start + (cutOf(text, each.start, each.start + 1) === ' ' ? 1 : 0) === start) ?? assert.fail(`no piece begins ${word}`);
    return { item, word: { word, start, end }, isWhole: item.end === end };
  });
}

function assertFirstPieces(texts: readonly string[], theirs: readonly (readonly PipelineItem[])[], ours: readonly (readonly TokenClassificationItem[])[]): void {
  let [whole, cut] = [0, 0];
  for (const [index, text] of texts.entries()) {
    const tagged = firstPieces(text, theirs[index] ?? []).filter(({ item }) => item.entity !== 'O');
    const our = ours[index] ?? [];
    assert.deepEqual(our.map(unscored), tagged.map(({ item: { entity }, word }) => ({ entity, ...word })), text);
    for (const [at, { item, word, isWhole }] of tagged.entries()) {
      assertClose(our[at]?.score, item.score, word.word);
      if (isWhole) assert.equal(item.word.replace('▁', ''), word.word);
      if (isWhole) whole++;
      else cut++;
    }
  }
  assert.ok(whole + cut > 5 && cut > 1, `${whole} words of one piece, ${cut} of several`);
}

/** @returns how many entities */
function assertEqual(theirs: readonly (readonly PipelineItem[])[], ours: readonly (readonly TokenClassificationItem[])[]): number {
  assert.deepEqual(ours.map((items) => items.map(unscored)), theirs.map((items) => items.map(unscored)));
  ours.forEach((items, index) => items.forEach(({ score, word }, at) => assertClose(score, theirs[index]?.[at]?.score, word)));
  return ours.flat().length;
}

function assertCut(texts: readonly string[], answers: Answers): void {
  for (const lists of Object.values(answers)) lists.forEach((items, index) => items.forEach(({ word, start, end }) => assert.equal(word, cutOf(texts[index] ?? '', start, end))));
}

function assertClose(found: number | undefined, expected: number | undefined, what: string): void {
  assert.ok(Math.abs((found ?? NaN) - (expected ?? NaN)) <= BOUND, `${what}: ${found}, expected ${expected}`);
}

function unscored({ score: _, ...item }: PipelineItem | TokenClassificationItem): object {
  return item;
}

function wordsOf(items: readonly { word: string }[] | undefined): string[] {
  return (items ?? []).map(({ word }) => word);
}

function only<T>(lists: readonly T[], isWanted: readonly boolean[]): T[] {
  return lists.filter((_, index) => isWanted[index]);
}

/** By code points, as both count. */
function cutOf(text: string, start: number, end: number): string {
  return Array.from(text).slice(start, end).join('');
}
