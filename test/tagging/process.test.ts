/** The real tagger process, with heads that say one tag for every word. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { NerResponse, NerResult } from '../../src/schemas/ner.ts';
import { putModel } from '../../src/store/models.ts';
import { liveProcesses } from '../../src/store/processes.ts';
import { ENCODER } from '../runs/fixtures/world.ts';
import { addCheckpoint, MAX_PIECES, setUp, startProcess, startTagger } from './tagger-process.ts';

test('The tagger serves the default model, follows its alias, and ends when it is told to', { timeout: 120_000 }, async (t) => {
  const { store, storage, encoder, env } = await setUp(t);
  const places = await addCheckpoint({ store, storage, encoder, tag: 'B-LOC' });
  const people = await addCheckpoint({ store, storage, encoder, tag: 'B-PER' });
  const tagless = await addCheckpoint({ store, storage, encoder, tag: null });
  const { child, client, url, output } = await startTagger(t, store, env);
  assert.equal((await client.ready()).device, 'cpu');
  await assert.rejects(client.tag({ text: 'Nobody' }), { code: 'NO_MODEL' });

  await putModel(store, 'default', places.checkpointId);
  const first = await client.tag({ text: '😀 Zanzibar, 王小明', language: 'sw' });
  const { entities } = only(first);
  assert.deepEqual(first.model, { alias: 'default', checkpointId: places.checkpointId, runId: places.runId, encoder: ENCODER });
  assert.deepEqual(entities.slice(0, 2).map(({ score: _, ...entity }) => entity), [{ label: 'LOC', text: '😀', start: 0, end: 1 }, { label: 'LOC', text: 'Zanzibar', start: 2, end: 10 }]);
  assert.ok(entities.every(({ score }) => score > 0.99));
  assert.deepEqual(first.warnings, ['This model was never scored in "sw"; it was in: none']);

  const long = only(await client.tag({ text: 'word '.repeat(200), threshold: 0.5 }));
  assert.equal(long.entities.length, 200);
  assert.ok(long.windows > 1 && !long.truncated);
  const cut = only(await client.tag({ text: 'word '.repeat(200), overflow: 'truncate' }));
  assert.deepEqual([cut.truncated, cut.windows], [true, 1]);
  assert.ok(cut.pieces <= MAX_PIECES - 2);
  await assert.rejects(client.tag({ text: 'word '.repeat(200), overflow: 'error' }), { code: 'TEXT_TOO_LONG' });

  await putModel(store, 'default', people.checkpointId);
  const second = await client.tag({ tokens: [['Ada', 'Byron'], []] });
  assert.deepEqual([second.model.checkpointId, second.results.map(({ tags }) => tags)], [people.checkpointId, [['B-PER', 'B-PER'], []]]);
  assert.equal((await client.tag({ text: 'Rome', model: places.checkpointId })).results[0]?.entities[0]?.label, 'LOC');
  await assert.rejects(client.tag({ text: 'a', model: 'ckpt_none' }), { code: 'MODEL_NOT_FOUND' });
  await assert.rejects(client.tag({ text: 'a', model: tagless.checkpointId }), { code: 'MODEL_CANNOT_TAG' });

  const last = client.tag({ texts: Array.from({ length: 50 }, () => 'word '.repeat(50)) });
  const state = { isAnswered: false };
  void last.then(() => (state.isAnswered = true));
  while (!state.isAnswered && (await waitingAt(url)) === 0) await wait(5);
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal((await last).results.length, 50);
  assert.equal(code, 0, output());
  assert.deepEqual(await liveProcesses(store, 'tagger'), []);
  assert.match(output(), /"model loaded"/);
  assert.doesNotMatch(output(), /Zanzibar|word word|Byron/);
});

test('Aliases that move under load: every request is answered, by one model, and after a move by the new one', { timeout: 180_000 }, async (t) => {
  const { store, storage, encoder, env } = await setUp(t);
  const byTag = { 'B-LOC': await addCheckpoint({ store, storage, encoder, tag: 'B-LOC' }), 'B-PER': await addCheckpoint({ store, storage, encoder, tag: 'B-PER' }) };
  const wanted = new Map(Object.entries(byTag).map(([tag, { checkpointId }]) => [checkpointId, tag]));
  // room for one model: each move unloads the other, in the midst of requests
  const { client } = await startTagger(t, store, { ...env, TAGGER_MEMORY: '1', TAGGER_QUEUE: '1000' });
  const turns = [byTag['B-LOC'], byTag['B-PER'], byTag['B-LOC'], byTag['B-PER']];
  const texts = Array.from({ length: 6 }, (_, index) => ['word', 'Rome', 'x'].slice(0, 1 + (index % 3)).concat(Array.from({ length: 5 * index }, () => 'far')));
  const answers: Promise<NerResponse>[] = [];
  for (const { checkpointId } of turns) {
    await putModel(store, 'moving', checkpointId);
    for (let round = 0; round < 10; round++) {
      answers.push(client.tag({ tokens: texts, model: 'moving' }));
      // those that are left under way may be answered by the next model, what is sent after a move never by the former one
      if (round % 5 === 4) assert.equal((await answers.at(-1))?.model.checkpointId, checkpointId);
    }
  }
  for (const answer of await Promise.all(answers)) {
    const { checkpointId, runId } = answer.model;
    const tag = wanted.get(checkpointId) ?? assert.fail(checkpointId);
    assert.deepEqual(new Set(answer.results.flatMap(({ tags = [] }) => tags)), new Set([tag]));
    assert.equal(answer.results.flatMap(({ tags = [] }) => tags).length, texts.flat().length);
    assert.equal(runId, Object.values(byTag).find((each) => each.checkpointId === checkpointId)?.runId);
  }
});

test('Scores are with the temperature of the checkpoint', { timeout: 120_000 }, async (t) => {
  const { store, storage, encoder, env } = await setUp(t);
  const plain = await addCheckpoint({ store, storage, encoder, tag: 'B-LOC', bias: 2 });
  const flat = await addCheckpoint({ store, storage, encoder, tag: 'B-LOC', bias: 2, temperature: 2 });
  const { client } = await startTagger(t, store, env);
  const scoreOf = async ({ checkpointId }: typeof plain): Promise<number | undefined> => only(await client.tag({ text: 'Rome', model: checkpointId })).entities[0]?.score;
  // of five tags one has a logit of 2, the others of 0: e^2 / (e^2 + 4), and with half the logits e / (e + 4)
  const chance = (logit: number): number => Math.exp(logit) / (Math.exp(logit) + 4);
  assert.deepEqual([await scoreOf(plain), await scoreOf(flat)].map((score) => score?.toFixed(5)), [chance(2), chance(1)].map((score) => score.toFixed(5)));
});

test('A tagger whose port is taken says which', { timeout: 60_000 }, async (t) => {
  const { store, env } = await setUp(t);
  const { url } = await startTagger(t, store, env);
  const child = startProcess(t, { ...env, TAGGER_PORT: new URL(url).port });
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.notEqual(code, 0);
  assert.match(errors, new RegExp(`Port ${new URL(url).port}`));
});

/** Requests at work or waiting there. */
async function waitingAt(url: string): Promise<number> {
  const { waiting } = (await (await fetch(new URL('/ready', url))).json()) as { waiting: number };
  return waiting;
}

function only({ results }: NerResponse): NerResult {
  return results[0] ?? assert.fail('no result');
}
