import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import type { NerRequest } from '../../src/schemas/ner.ts';
import { modelPool } from '../../src/tagging/pool.ts';
import { tagging, type Tagging } from '../../src/tagging/tag.ts';
import { cut, wildText } from '../text/wild-text.ts';
import { fakeModel, type FakeModel } from './fake-model.ts';

function fixture(o: { aliases?: Map<string, string>; limit?: number; delayMs?: number; languages?: string[] } = {}): Tagging & { models: Map<string, FakeModel> } {
  const { aliases = new Map([['default', 'ckpt_1']]), limit = 10, delayMs = 0, languages = ['es', 'pt-BR'] } = o;
  const models = new Map<string, FakeModel>();
  const load = async (checkpointId: string): Promise<FakeModel> => {
    const model = fakeModel({ checkpointId, delayMs });
    models.set(checkpointId, model);
    return model;
  };
  const checkpointOfAlias = async (alias: string): Promise<string | null> => aliases.get(alias) ?? null;
  return { ...tagging({ pool: modelPool({ find: async (checkpointId) => ({ sizeBytes: 1, load: () => load(checkpointId) }), budgetBytes: 1 }), checkpointOfAlias, scoredLanguages: async () => languages, limit }), models };
}

test('A text is answered whole', async () => {
  assert.deepEqual(await fixture().tag({ text: 'there 😀 is Bert in Rom', language: 'es' }), {
    results: [
      {
        entities: [
          { label: 'PER', text: '😀', start: 6, end: 7, score: 0.9 },
          { label: 'PER', text: 'Bert', start: 11, end: 15, score: 0.9 },
          { label: 'LOC', text: 'Rom', start: 19, end: 22, score: 0.9 },
        ],
        language: 'es',
        truncated: false,
        windows: 1,
        pieces: 10,
      },
    ],
    model: { alias: 'default', checkpointId: 'ckpt_1', runId: 'run_of_ckpt_1', encoder: 'tiny' },
    warnings: [],
  });
});

for (const offsetUnit of ['codepoint', 'utf16', 'byte'] as const) {
  test(`The text of an entity is what its offsets cut, counted in ${offsetUnit}`, async () => {
    const { tag } = fixture();
    const generator = random(3);
    let entities = 0;
    for (const aggregation of ['none', 'simple', 'first', 'average', 'max'] as const) {
      const texts = Array.from({ length: 60 }, () => wildText(generator, 30));
      const tokens = Array.from({ length: 20 }, () => Array.from({ length: generator.int(8) }, () => wildText(generator, 2)));
      for (const [request, inputs] of [[{ texts }, texts], [{ tokens }, tokens.map((words) => words.join(' '))]] as const) {
        const { results } = await tag({ ...request, offsetUnit, aggregation });
        assert.equal(results.length, inputs.length);
        for (const [index, result] of results.entries()) {
          for (const { text, start, end } of result.entities) assert.equal(cut(inputs[index] ?? '', start, end, offsetUnit), text);
          entities += result.entities.length;
        }
      }
    }
    assert.ok(entities > 1000);
  });
}

test('Tokens are answered with a tag for each word, and offsets in the words joined by a space', async () => {
  const { results } = await fixture().tag({ tokens: [['Sr.', 'Bert', 'x y', 'Rom'], []], aggregation: 'first' });
  assert.deepEqual(results.map(({ tags }) => tags), [['B-LOC', 'B-PER', 'O', 'B-LOC'], []]);
  assert.deepEqual(results[0]?.entities.map(({ text, start, end }) => [text, start, end]), [['Sr.', 0, 3], ['Bert', 4, 8], ['Rom', 13, 16]]);
});

test('Text without words needs no window', async () => {
  const { tag, models } = fixture();
  const { results } = await tag({ texts: ['', ' \n\0 ', ' '.repeat(1_900_000)] });
  for (const result of results) assert.deepEqual(result, { entities: [], language: null, truncated: false, windows: 0, pieces: 0 });
  assert.deepEqual(models.get('ckpt_1')?.calls, []);
});

describe('text longer than the model’s window of 20 pieces', () => {
  const text = 'word word word word word word word word word Bert Anna Oslo';

  test('is read in windows', async () => {
    const { results } = await fixture().tag({ text });
    assert.deepEqual({ ...results[0], entities: results[0]?.entities.length }, { entities: 3, language: null, truncated: false, windows: 2, pieces: 24 });
  });

  test('is refused on request, with both numbers and where', async () => {
    await assert.rejects(fixture().tag({ texts: ['short', text], overflow: 'error' }), {
      code: 'TEXT_TOO_LONG',
      message: '/texts/1 has 24 pieces, at most 20 are read',
      errors: [{ pointer: '/texts/1', detail: '24 pieces, at most 20' }],
    });
  });

  test('is cut on request, at a word, and says so', async () => {
    const { results } = await fixture().tag({ text, overflow: 'truncate' });
    assert.deepEqual({ ...results[0], entities: results[0]?.entities.map((entity) => entity.text) }, { entities: ['Bert'], language: null, truncated: true, windows: 1, pieces: 20 });
  });

  test('that was cut still has a tag for each of its tokens', async () => {
    const { results } = await fixture().tag({ tokens: [text.split(' ')], overflow: 'truncate' });
    assert.deepEqual(results[0]?.tags, [...Array<string>(9).fill('O'), 'B-PER', 'O', 'O']);
  });

  test('of one giant word is read as far as it goes', async () => {
    const { results } = await fixture().tag({ text: 'X'.repeat(400), overflow: 'truncate' });
    assert.equal(results[0]?.truncated, true);
  });
});

const REFUSED: [title: string, request: NerRequest, error: object][] = [
  ['nothing to tag', {}, { code: 'NER_INPUT_INVALID', status: 400 }],
  ['two kinds of input', { text: 'a', tokens: [['a']] }, { code: 'NER_INPUT_INVALID', message: 'One of text, texts and tokens must be given, found text and tokens' }],
  ['a lone surrogate', { text: 'ab\ud800c' }, { code: 'TEXT_NOT_UNICODE', status: 400, message: '/text has half a surrogate pair at the UTF-16 index 2' }],
  ['a lone surrogate in one of many words', { tokens: [['a'], ['b', '\udc00']] }, { code: 'TEXT_NOT_UNICODE', message: '/tokens/1/1 has half a surrogate pair at the UTF-16 index 0' }],
  ['an alias that is not there', { text: 'a', model: 'other' }, { code: 'MODEL_NOT_FOUND', status: 404 }],
];
for (const [title, request, error] of REFUSED) test(`A request with ${title} is refused`, () => assert.rejects(fixture().tag(request), error));

test('Without any model the answer is that there is none yet', async () => {
  await assert.rejects(fixture({ aliases: new Map() }).tag({ text: 'a' }), { code: 'NO_MODEL', status: 409 });
});

test('A checkpoint can be named', async () => {
  const { model } = await fixture().tag({ text: 'a', model: 'ckpt_7' });
  assert.deepEqual(model, { alias: null, checkpointId: 'ckpt_7', runId: 'run_of_ckpt_7', encoder: 'tiny' });
});

test('A language that the model was never scored in is warned of', async () => {
  const { tag } = fixture();
  assert.deepEqual((await tag({ text: 'a', language: 'sw' })).warnings, ['This model was never scored in "sw"; it was in: es, pt-BR']);
  for (const language of ['es', 'ES-mx', 'pt']) assert.deepEqual((await tag({ text: 'a', language })).warnings, []);
});

test('Beyond the limit requests are refused at once, and taken again later', async () => {
  const { tag } = fixture({ limit: 2, delayMs: 10 });
  const taken = [tag({ text: 'a' }), tag({ text: 'b' })];
  await assert.rejects(tag({ text: 'c' }), { code: 'OVERLOADED', status: 503 });
  await Promise.all(taken);
  assert.equal((await tag({ text: 'd' })).results.length, 1);
});

test('An alias moved under load answers each request with one model, the new one from then on', async () => {
  const aliases = new Map([['default', 'ckpt_1']]);
  const { tag, models } = fixture({ aliases, limit: 100, delayMs: 2 });
  const before = Array.from({ length: 20 }, (_, index) => tag({ texts: [`Old${index}`, `Older${index}`] }));
  await before[0];
  aliases.set('default', 'ckpt_2');
  const after = Array.from({ length: 20 }, (_, index) => tag({ texts: [`New${index}`] }));
  for (const { model } of await Promise.all(before)) assert.equal(model.checkpointId, 'ckpt_1');
  for (const { model } of await Promise.all(after)) assert.equal(model.checkpointId, 'ckpt_2');
  assert.ok(models.get('ckpt_1')?.calls.flat(2).every((word) => word.startsWith('Old')));
  assert.ok(models.get('ckpt_2')?.calls.flat(2).every((word) => word.startsWith('New')));
  assert.equal(models.get('ckpt_1')?.isDisposed, true);
});
