import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { MtmtError } from '../../src/errors.ts';
import type { NerRequest } from '../../src/schemas/ner.ts';
import { modelPool } from '../../src/tagging/pool.ts';
import { tagging, type Tagging } from '../../src/tagging/tag.ts';
import { fakeModel, gate, until, type FakeModel, type FakeModelOptions } from './fake-model.ts';

interface FixtureOptions extends FakeModelOptions {
  readonly aliases?: Map<string, string>;
  readonly limit?: number;
  readonly maxWaitingPieces?: number;
  readonly languages?: string[];
  readonly lastOfAlias?: (alias: string) => string | null;
  /** Before the answer where an alias points. */
  readonly asking?: () => Promise<void>;
}

function fixture(o: FixtureOptions = {}): Tagging & { models: Map<string, FakeModel> } {
  const { aliases = new Map([['default', 'ckpt_1']]), limit = 10, maxWaitingPieces, languages = ['es', 'pt-BR'], lastOfAlias, asking = () => Promise.resolve(), ...options } = o;
  const models = new Map<string, FakeModel>();
  const load = async (checkpointId: string): Promise<FakeModel> => {
    const model = fakeModel({ ...options, checkpointId });
    models.set(checkpointId, model);
    return model;
  };
  const checkpointOfAlias = async (alias: string): Promise<string | null> => {
    await asking();
    return aliases.get(alias) ?? null;
  };
  return { ...tagging({ pool: modelPool({ find: async (checkpointId) => ({ sizeBytes: 1, load: () => load(checkpointId) }), budgetBytes: 1 }), checkpointOfAlias, ...(lastOfAlias && { lastOfAlias }), scoredLanguages: async () => languages, limit, ...(maxWaitingPieces !== undefined && { maxWaitingPieces }) }), models };
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

  for (const overflow of ['window', 'truncate'] as const) {
    test(`of one giant word is read as far as a window goes, and says so (${overflow})`, async () => {
      const { results } = await fixture().tag({ tokens: [['X'.repeat(400)]], overflow });
      assert.deepEqual(results, [{ entities: [{ label: 'PER', text: 'X'.repeat(400), start: 0, end: 400, score: 0.9 }], tags: ['B-PER'], language: null, truncated: true, windows: 1, pieces: 20 }]);
    });
  }
});

const REFUSED: [title: string, request: NerRequest, error: object][] = [
  ['nothing to tag', {}, { code: 'NER_INPUT_INVALID', status: 400 }],
  ['two kinds of input', { text: 'a', tokens: [['a']] }, { code: 'NER_INPUT_INVALID', message: 'One of text, texts and tokens must be given, found text and tokens' }],
  ['a lone surrogate', { text: 'ab\ud800c' }, { code: 'TEXT_NOT_UNICODE', status: 422, message: '/text has half a surrogate pair at the UTF-16 index 2' }],
  ['a lone surrogate in one of many words', { tokens: [['a'], ['b', '\udc00']] }, { code: 'TEXT_NOT_UNICODE', message: '/tokens/1/1 has half a surrogate pair at the UTF-16 index 0' }],
  ['an alias that is not there', { text: 'a', model: 'other' }, { code: 'MODEL_NOT_FOUND', status: 404 }],
];
for (const [title, request, error] of REFUSED) test(`A request with ${title} is refused`, () => assert.rejects(fixture().tag(request), error));

test('A refusal names every place that is wrong, up to a hundred', async () => {
  const { tag } = fixture();
  const broken = tag({ texts: ['fine', 'a\ud800', 'fine', '\udfff\udfff'] });
  const detail = (index: number): string => `half a surrogate pair at the UTF-16 index ${index}`;
  await assert.rejects(broken, { code: 'TEXT_NOT_UNICODE', errors: [{ pointer: '/texts/1', detail: detail(1) }, { pointer: '/texts/3', detail: detail(0) }] });
  const long = tag({ tokens: [['a'], Array<string>(21).fill('a'), Array<string>(30).fill('a')], overflow: 'error' });
  await assert.rejects(long, { code: 'TEXT_TOO_LONG', errors: [{ pointer: '/tokens/1', detail: '21 pieces, at most 20' }, { pointer: '/tokens/2', detail: '30 pieces, at most 20' }] });
  await assert.rejects(tag({ texts: Array<string>(150).fill('\ud800') }), ({ errors }: MtmtError) => errors?.length === 100);
});

test('More words in all than are taken are refused, however they are written', async () => {
  const { tag } = fixture();
  await assert.rejects(tag({ texts: Array<string>(6).fill('王 '.repeat(100_000)) }), { code: 'TEXT_TOO_LONG', message: 'The request has more than 500000 words in all, at most 500000 are read' });
  await assert.rejects(tag({ tokens: Array<string[]>(6).fill(Array<string>(100_000).fill('a')) }), { code: 'TEXT_TOO_LONG', message: 'The request has 600000 words in all, at most 500000 are read' });
});

test('While a long text is cut into words others are answered, and it can be given up', async () => {
  const { tag, models } = fixture();
  await tag({ text: 'warm' });
  const leaving = new AbortController();
  const long = tag({ text: 'word '.repeat(300_000) }, { signal: leaving.signal });
  await tag({ text: 'short' });
  leaving.abort(new Error('gone'));
  await assert.rejects(long, /gone/);
  assert.deepEqual(models.get('ckpt_1')?.calls.flat(2), ['warm', 'short']);
});

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
  const { work, open } = gate();
  const { tag } = fixture({ limit: 2, work });
  const taken = [tag({ text: 'a' }), tag({ text: 'b' })];
  await assert.rejects(tag({ text: 'c' }), { code: 'OVERLOADED', status: 503 });
  open();
  await Promise.all(taken);
  assert.equal((await tag({ text: 'd' })).results.length, 1);
});

test('Work beyond the limit is refused, short requests are not, and an idle model takes any', async () => {
  const { work, open, begun } = gate();
  const { tag } = fixture({ maxWaitingPieces: 5000, work });
  const words = (count: number): NerRequest => ({ text: 'word '.repeat(count) });
  const taken = [tag(words(4000))];
  await until(() => begun() === 1);
  taken.push(tag(words(10)));
  await assert.rejects(tag(words(1000)), ({ code, message, retryAfterSeconds }: MtmtError) => {
    assert.match(message, /^3 requests are at work or waiting, with \d{5} pieces to read; try again in 1 s$/);
    return code === 'OVERLOADED' && retryAfterSeconds === 1;
  });
  open();
  for (const { results } of await Promise.all(taken)) assert.equal(results.length, 1);
  assert.equal((await tag(words(1000))).results[0]?.truncated, false);
});

test('An alias moved under load answers each request with one model, the new one from then on', async () => {
  const aliases = new Map([['default', 'ckpt_1']]);
  const { tag, models } = fixture({ aliases, limit: 100 });
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

describe('While it is asked where an alias points', () => {
  interface Asked {
    readonly tag: Tagging['tag'];
    readonly aliases: Map<string, string>;
    readonly models: Map<string, FakeModel>;
    readonly answer: () => void;
  }
  /** `default` points at a loaded model, and the next question is not answered before `answer`. */
  async function asked(): Promise<Asked> {
    const aliases = new Map([['default', 'ckpt_1']]);
    const { work, open } = gate();
    const state = { asking: (): Promise<void> => Promise.resolve() };
    const { tag, models } = fixture({ aliases, lastOfAlias: (alias) => (alias === 'default' ? 'ckpt_1' : null), asking: () => state.asking() });
    await tag({ text: 'warm' });
    state.asking = work;
    return { tag, aliases, models, answer: open };
  }
  const readBy = (models: ReadonlyMap<string, FakeModel>, checkpointId: string): string[] => models.get(checkpointId)?.calls.flat(2) ?? [];

  test('the model is read that it pointed at last', async () => {
    const { tag, models, answer } = await asked();
    const pending = tag({ text: 'Bert' });
    await until(() => readBy(models, 'ckpt_1').includes('Bert'));
    answer();
    const { model, results } = await pending;
    assert.deepEqual([model.checkpointId, model.alias, results[0]?.entities.length], ['ckpt_1', 'default', 1]);
    assert.deepEqual(readBy(models, 'ckpt_1'), ['warm', 'Bert']);
  });

  test('and where it has moved, the answer is the new one’s', async () => {
    const { tag, aliases, models, answer } = await asked();
    const pending = tag({ text: 'Bert' });
    await until(() => readBy(models, 'ckpt_1').includes('Bert'));
    aliases.set('default', 'ckpt_2');
    answer();
    assert.equal((await pending).model.checkpointId, 'ckpt_2');
    assert.deepEqual(readBy(models, 'ckpt_2'), ['Bert']);
  });

  test('and where it is gone, there is no answer', async () => {
    const { tag, aliases, answer } = await asked();
    const pending = tag({ text: 'Bert' });
    aliases.delete('default');
    answer();
    await assert.rejects(pending, { code: 'NO_MODEL' });
  });

  test('texts are refused all the same', async () => {
    const { tag, answer } = await asked();
    const long = assert.rejects(tag({ text: 'word '.repeat(30), overflow: 'error' }), { code: 'TEXT_TOO_LONG' });
    const broken = assert.rejects(tag({ text: '\ud800' }), { code: 'TEXT_NOT_UNICODE' });
    answer();
    await Promise.all([long, broken]);
  });

  test('a model that is not loaded is not loaded for its sake', async () => {
    const aliases = new Map([['default', 'ckpt_2']]);
    const { tag, models } = fixture({ aliases, lastOfAlias: () => 'ckpt_1' });
    assert.equal((await tag({ text: 'a' })).model.checkpointId, 'ckpt_2');
    assert.deepEqual([...models.keys()], ['ckpt_2']);
  });

  test('a client may leave', async () => {
    const { tag, answer } = await asked();
    const leaving = new AbortController();
    const pending = tag({ text: 'Bert' }, { signal: leaving.signal });
    leaving.abort(new Error('gone'));
    answer();
    await assert.rejects(pending, /gone/);
  });
});
