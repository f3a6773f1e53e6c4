/** Generated text through the whole of tagging, with a model that says anything: whatever it says, an answer must fit the input. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { MAX_TEXT_CHARS, type Aggregation, type Entity, type NerRequest } from '../../src/schemas/ner.ts';
import { modelPool } from '../../src/tagging/pool.ts';
import { tagging, type Tagging } from '../../src/tagging/tag.ts';
import type { OffsetUnit } from '../../src/text/offsets.ts';
import { segmentWords } from '../../src/text/words.ts';
import { cut, wildText } from '../text/wild-text.ts';
import { fakeModel, LABELS } from './fake-model.ts';

const UNITS: OffsetUnit[] = ['codepoint', 'utf16', 'byte'];
const AGGREGATIONS: Aggregation[] = ['none', 'simple', 'first', 'average', 'max'];

/** Any tag at all, sequences that BIO does not allow among them. */
function wildTagging(seed: number): Tagging {
  const generator = random(seed);
  const model = fakeModel({ maxPieces: 24, tagsOf: (words) => words.map(() => LABELS.tags[generator.int(LABELS.tags.length)] ?? 'O') });
  return tagging({ pool: modelPool({ find: async () => ({ sizeBytes: 1, load: async () => model }), budgetBytes: 1 }), checkpointOfAlias: async () => 'ckpt_1', scoredLanguages: async () => [], limit: 10 });
}

/** @returns how many */
function assertFits(entities: readonly Entity[], input: string, unit: OffsetUnit): number {
  let last = 0;
  for (const { text, start, end } of entities) {
    assert.ok(start >= last && end >= start, `${start} to ${end} after ${last}`);
    assert.equal(cut(input, start, end, unit), text);
    last = end;
  }
  return entities.length;
}

for (const offsetUnit of UNITS) {
  for (const aggregation of AGGREGATIONS) {
    test(`Entities are what their offsets cut from the input, in order and apart: ${offsetUnit}, ${aggregation}`, async () => {
      const { tag } = wildTagging(3);
      const generator = random(4);
      const texts = Array.from({ length: 60 }, (_, index) => wildText(generator, index % 10 === 0 ? 300 : 20));
      const tokens = Array.from({ length: 30 }, () => Array.from({ length: generator.int(20) }, () => wildText(generator, 2)));
      const requests: [NerRequest, string[]][] = [...texts.slice(0, 5).map((text): [NerRequest, string[]] => [{ text }, [text]]), [{ texts }, texts], [{ tokens }, tokens.map((words) => words.join(' '))]];
      let entities = 0;
      for (const [request, inputs] of requests) {
        const { results } = await tag({ ...request, offsetUnit, aggregation });
        assert.equal(results.length, inputs.length);
        for (const [index, result] of results.entries()) entities += assertFits(result.entities, inputs[index] ?? '', offsetUnit);
        if (request.tokens !== undefined) assert.deepEqual(results.map(({ tags }) => tags?.length), tokens.map(({ length }) => length));
      }
      assert.ok(entities > 500, `${entities} entities`);
    });
  }
}

describe('a long text without a space', () => {
  for (const [title, part, units = 40_000] of [
    ['one letter', 'a', 1_000_000],
    ['letters outside of the basic plane', '𝔘'],
    ['Thai', 'ร้องเพลงไปกรุงเทพ'],
    ['Chinese', '王小明去北京'],
    ['Japanese', '東京タワーへ行く'],
    ['Hindi', 'नरेन्द्रमोदी'],
    ['Arabic with marks', 'مُحَمَّد'],
    ['families of emoji', '👨‍👩‍👧‍👦👍🏽🇩🇪'],
    ['combining marks', 'Z\u0351\u036b\u0343'],
  ] as const) {
    test(`of ${title} is read, and its words are its own`, async () => {
      const text = part.repeat(Math.floor(units / part.length));
      const [result] = (await wildTagging(5).tag({ text, offsetUnit: 'utf16' })).results;
      const words = segmentWords(text);
      assert.ok(assertFits(result?.entities ?? [], text, 'utf16') > words.length / 20);
      assert.ok((result?.windows ?? 0) > 50);
      assert.equal(result?.truncated, words.some(({ word }) => word.length > 48), 'only a word longer than a window is cut');
    });
  }
});

test('Megabytes of spaces are answered, and more than the limit refused with both numbers', async () => {
  const { tag } = wildTagging(6);
  const spaces = ' '.repeat(MAX_TEXT_CHARS);
  const [first, ...rest] = (await tag({ texts: Array<string>(5).fill(spaces).with(0, `${spaces.slice(9)}Bert 😀`) })).results;
  assert.ok(assertFits(first?.entities ?? [], `${spaces.slice(9)}Bert 😀`, 'codepoint') <= 2);
  for (const result of rest) assert.deepEqual(result, { entities: [], language: null, truncated: false, windows: 0, pieces: 0 });
  await assert.rejects(tag({ texts: ['a', ' '.repeat(10_000_000)] }), { code: 'TEXT_TOO_LONG', status: 422, message: '/texts/1 has 10000000 UTF-16 units, at most 2000000 are read' });
});
