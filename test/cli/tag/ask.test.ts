import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiForeign, ApiProblem, ApiUnreachable } from '../../../src/cli/client/api.ts';
import { ask, type AskOptions } from '../../../src/cli/tag/ask.ts';
import { newPatience } from '../../../src/cli/tag/patience.ts';
import type { Source } from '../../../src/cli/tag/source.ts';
import type { NerRequest, NerResponse } from '../../../src/schemas/ner.ts';
import type { Problem } from '../../../src/schemas/problem.ts';

const result = (text: string) => ({ entities: [], language: text, truncated: false, windows: 1, pieces: 1 });
const problem = (status: number, code: string, rest: Partial<Problem> = {}) => ({ type: '', title: '', status, code, detail: code, requestId: '', ...rest });
const sources = (...texts: string[]): Source[] => texts.map((text, index) => ({ text, line: index + 1 }));

/** @param answer throws, or tells nothing */
function asking(answer: (texts: readonly string[]) => void, clock: () => number = () => 0): AskOptions & { asked: (readonly string[])[] } {
  const asked: (readonly string[])[] = [];
  const tag = ({ texts = [] }: NerRequest): Promise<NerResponse> => {
    asked.push(texts);
    answer(texts);
    return Promise.resolve({ results: texts.map(result), model: { alias: null, checkpointId: '', runId: '', encoder: '' }, warnings: [] });
  };
  return { client: { tag: async (request) => tag(request) }, request: {}, patience: newPatience(clock), signal: new AbortController().signal, onWarning: () => undefined, asked };
}

async function answered(batch: readonly Source[], o: AskOptions): Promise<unknown[]> {
  return (await ask(batch, o)).map((answer) => ('result' in answer ? answer.result.language : answer.fault));
}

test('texts that are refused by their place are faults, and the others are asked for again', async () => {
  const o = asking((texts) => {
    const errors = texts.flatMap((text, index) => (text.startsWith('bad') ? [{ pointer: `/texts/${index}`, detail: `no ${text}` }, { pointer: `/texts/${index}`, detail: 'twice' }] : []));
    if (errors.length > 0) throw new ApiProblem(problem(422, 'TEXT_NOT_UNICODE', { errors }));
  });
  const unread = { line: 9, fault: { code: 'LINE_INVALID', detail: 'unread' } };
  const fault = (detail: string) => ({ code: 'TEXT_NOT_UNICODE', detail });
  assert.deepEqual(await answered([unread, ...sources('bad1', 'a', 'bad2', 'b')], o), [unread.fault, fault('no bad1'), 'a', fault('no bad2'), 'b']);
  assert.deepEqual(o.asked, [['bad1', 'a', 'bad2', 'b'], ['a', 'b']]);
});

for (const [name, error] of [
  ['the service', new ApiProblem(problem(413, 'BODY_TOO_LARGE'))],
  ['the service by words in all', new ApiProblem(problem(422, 'TEXT_TOO_LONG', { errors: [{ pointer: '', detail: 'words' }] }))],
  ['a proxy', new ApiForeign('POST /ner', { status: 413, text: '<html>' })],
] as const) {
  test(`what ${name} refuses without a place is found by halves`, async () => {
    const o = asking((texts) => {
      if (texts.includes('long')) throw error;
    });
    const answers = await answered(sources('a', 'b', 'long', 'c', 'd'), o);
    assert.deepEqual(answers.filter((_, index) => index !== 2), ['a', 'b', 'c', 'd']);
    assert.equal((answers[2] as { code: string }).code, error instanceof ApiProblem ? error.problem.code : 'BODY_TOO_LARGE');
  });
}

for (const [name, refused] of [
  ['no key', problem(401, 'UNAUTHORIZED')],
  ['no model', problem(409, 'NO_MODEL')],
  ['a language that is none, beside a text', problem(400, 'REQUEST_INVALID', { errors: [{ pointer: '/texts/0', detail: '' }, { pointer: '/language', detail: '' }] })],
  ['a fault of the service', problem(500, 'INTERNAL')],
] as const) {
  test(`${name} is no fault of a text`, async () => {
    const o = asking(() => {
      throw new ApiProblem(refused);
    });
    await assert.rejects(ask(sources('a', 'b'), o), { problem: refused });
    assert.equal(o.asked.length, 1);
  });
}

/** Requests take the hours that they say. */
function failing(minutes: readonly number[], errorOf: () => Error): ReturnType<typeof asking> {
  let now = 0;
  const left = [...minutes];
  return asking(
    () => {
      const next = left.shift();
      now += 60_000 * (next ?? 0);
      if (next !== undefined) throw errorOf();
    },
    () => now,
  );
}

const away = (): Error => new ApiUnreachable('away');
for (const [name, minutes, error, isAnswered] of [
  ['a connection that broke off after an hour is made again', [60], away, true],
  ['a service that is away for four minutes is waited for', [60, 4], away, true],
  ['one that is away for six is not', [60, 6], away, false],
  ['a proxy of one that is away says so', [60, 4], () => new ApiForeign('', { status: 502, text: '' }), true],
  ['a service that is busy for hours is there', [60, 60, 60], () => new ApiProblem(problem(503, 'OVERLOADED'), 1), true],
  ['a service without a tagger is away', [60, 6], () => new ApiProblem(problem(503, 'TAGGER_UNAVAILABLE'), 1), false],
] as const) {
  test(name, { timeout: 30_000 }, async () => {
    const o = failing(minutes, error);
    if (isAnswered) assert.deepEqual(await answered(sources('a'), o), ['a']);
    else await assert.rejects(ask(sources('a'), o));
  });
}

test('a service that answered others meanwhile was there', () => {
  let now = 0;
  const patience = newPatience(() => now);
  assert.equal(patience.isOver(1_000), false);
  now = 299_000;
  assert.deepEqual([patience.isOver(1_000), patience.isOver(1_001)], [false, true]);
  patience.heard();
  assert.equal(patience.isOver(1_001), false);
});
