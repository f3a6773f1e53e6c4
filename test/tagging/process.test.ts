/** The real tagger process: a real store, a tiny encoder, and checkpoints whose heads say one tag for every word. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { saveCheckpoint } from '../../src/checkpoints/save.ts';
import { findEncoder, type InstalledEncoder } from '../../src/encoders/registry.ts';
import type { NerResponse, NerResult } from '../../src/schemas/ner.ts';
import { directoryStorage } from '../../src/storage/directory.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createCheckpoint } from '../../src/store/checkpoints.ts';
import { findOrCreateExperiment } from '../../src/store/experiments.ts';
import { newId } from '../../src/store/ids.ts';
import { putModel } from '../../src/store/models.ts';
import { liveProcesses } from '../../src/store/processes.ts';
import { beginAttempt, createRuns } from '../../src/store/runs.ts';
import type { Store } from '../../src/store/store.ts';
import { taggerClient, urlsOfTaggers, type TaggerClient } from '../../src/tagging/client.ts';
import { labelSet } from '../../src/text/label-set.ts';
import { resolveOptions } from '../../src/training/options.ts';
import { testFolder, testStore } from '../helper.ts';
import { ENCODER, installEncoder } from '../runs/fixtures/world.ts';

const LABELS = labelSet(['LOC', 'PER']);
const MAX_PIECES = 32;

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

interface SetUp {
  readonly store: Store;
  readonly storage: Storage;
  readonly encoder: InstalledEncoder;
  readonly env: Record<string, string>;
}

/** Requests at work or waiting there. */
async function waitingAt(url: string): Promise<number> {
  const { waiting } = (await (await fetch(new URL('/ready', url))).json()) as { waiting: number };
  return waiting;
}

function only({ results }: NerResponse): NerResult {
  return results[0] ?? assert.fail('no result');
}

async function setUp(t: TestContext): Promise<SetUp> {
  const { store, databaseUrl } = await testStore(t);
  const folder = await testFolder(t);
  await installEncoder(folder, ENCODER);
  const env = { DATABASE_URL: databaseUrl, ENCODERS_DIR: folder, ARTIFACTS_DIR: join(folder, 'artifacts'), DEVICES: 'cpu', TAGGER_PORT: '0', LOG_LEVEL: 'debug' };
  return { store, storage: directoryStorage(env.ARTIFACTS_DIR), encoder: await findEncoder(folder, ENCODER), env };
}

/** @param bias of the tag's logit; all others are 0 */
async function addCheckpoint({ store, storage, encoder, tag, bias: logit = 10, temperature }: Omit<SetUp, 'env'> & { tag: string | null; bias?: number; temperature?: number }): Promise<{ checkpointId: string; runId: string }> {
  const [checkpointId, runId] = [newId('ckpt'), newId('run')];
  const { experimentId } = await findOrCreateExperiment(store, 'default');
  const kind = tag === null ? 'evaluator' : 'recognizer';
  const options = { ...resolveOptions(kind, {}), decoding: 'viterbi' as const };
  await createRuns(store, [{ runId, experimentId, kind, status: 'queued', name: runId, encoderId: ENCODER, encoderDigest: encoder.digest, requested: {}, options, seed: 1, priority: 0, tags: {}, datasets: [], teachers: [] }]);
  const begun = await beginAttempt(store, { runId, worker: 'test', device: 'cpu' });
  const { labels, tags } = tag === null ? { labels: [], tags: [] } : LABELS;
  const bias = Float32Array.from(tags, (each) => (each === tag ? logit : 0));
  const head = { 'head.weight': { shape: [tags.length, encoder.config.hiddenSize], data: new Float32Array(tags.length * encoder.config.hiddenSize) }, 'head.bias': { shape: [tags.length], data: bias } };
  const manifest = {
    checkpointId,
    runId,
    kind,
    step: 1,
    encoder: { encoderId: ENCODER, digest: encoder.digest, architecture: encoder.config.family },
    config: encoder.config,
    labels,
    tags,
    tokenizerDigest: encoder.tokenizerDigest,
    wordPiece: 'first',
    maxPieces: MAX_PIECES,
    seed: 1,
    options,
    scores: {},
    ...(temperature !== undefined && { temperature }),
    versions: {},
    createdAt: '2026-01-01T00:00:00.000Z',
  } as const;
  const { storageKey, digest, sizeBytes, manifest: saved } = await saveCheckpoint(storage, { manifest, tensors: tag === null ? {} : head });
  await createCheckpoint(store, { checkpointId, runId, attempt: begun?.attempt ?? 0, step: 1, isBest: true, isLast: true, digest, sizeBytes, storageKey, manifest: saved });
  return { checkpointId, runId };
}

async function startTagger(t: TestContext, store: Store, env: Record<string, string>): Promise<{ child: ChildProcess; client: TaggerClient; url: string; output: () => string }> {
  const child = startProcess(t, env);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  for (;;) {
    const [url] = urlsOfTaggers(await liveProcesses(store, 'tagger'), hostname());
    if (url !== undefined) {
      const client = taggerClient({ locate: async () => [url] });
      t.after(() => client.close());
      return { child, client, url, output: () => output };
    }
    if (child.exitCode !== null) throw new Error(`the tagger ended: ${output}`);
    await wait(50);
  }
}

function startProcess(t: TestContext, env: Record<string, string>): ChildProcess {
  const entry = new URL('../../src/tagger.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', entry], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}
