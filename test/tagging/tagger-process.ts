/** The real tagger process: a real store, a tiny encoder, and checkpoints whose heads say one tag for every word. */
import { spawn, type ChildProcess } from 'node:child_process';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { saveCheckpoint } from '../../src/checkpoints/save.ts';
import { findEncoder, type InstalledEncoder } from '../../src/encoders/registry.ts';
import { directoryStorage } from '../../src/storage/directory.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createCheckpoint } from '../../src/store/checkpoints.ts';
import { findOrCreateExperiment } from '../../src/store/experiments.ts';
import { newId } from '../../src/store/ids.ts';
import { liveProcesses } from '../../src/store/processes.ts';
import { beginAttempt, createRuns } from '../../src/store/runs.ts';
import type { Store } from '../../src/store/store.ts';
import { taggerClient, urlsOfTaggers, type TaggerClient } from '../../src/tagging/client.ts';
import { labelSet } from '../../src/text/label-set.ts';
import { resolveOptions } from '../../src/training/options.ts';
import { testFolder, testStore } from '../helper.ts';
import { ENCODER, installEncoder } from '../runs/fixtures/world.ts';

const LABELS = labelSet(['LOC', 'PER']);
export const MAX_PIECES = 32;

export interface SetUp {
  readonly store: Store;
  readonly storage: Storage;
  readonly encoder: InstalledEncoder;
  readonly env: Record<string, string>;
}

export async function setUp(t: TestContext): Promise<SetUp> {
  const { store, databaseUrl } = await testStore(t);
  const folder = await testFolder(t);
  await installEncoder(folder, ENCODER);
  const env = { DATABASE_URL: databaseUrl, ENCODERS_DIR: folder, ARTIFACTS_DIR: join(folder, 'artifacts'), DEVICES: 'cpu', TAGGER_PORT: '0', LOG_LEVEL: 'debug' };
  return { store, storage: directoryStorage(env.ARTIFACTS_DIR), encoder: await findEncoder(folder, ENCODER), env };
}

/** @param bias of the tag's logit; all others are 0 */
export async function addCheckpoint({ store, storage, encoder, tag, bias: logit = 10, temperature }: Omit<SetUp, 'env'> & { tag: string | null; bias?: number; temperature?: number }): Promise<{ checkpointId: string; runId: string }> {
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

export async function startTagger(t: TestContext, store: Store, env: Record<string, string>): Promise<{ child: ChildProcess; client: TaggerClient; url: string; output: () => string }> {
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

export function startProcess(t: TestContext, env: Record<string, string>): ChildProcess {
  const entry = new URL('../../src/tagger.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--import', 'tsx', entry], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  return child;
}
