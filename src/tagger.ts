/** The inference process: holds models and tags what the API sends. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { AddressInfo } from 'node:net';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { loadCheckpoint } from './checkpoints/load.ts';
import { assertMatches, hasHead, parseManifest } from './checkpoints/manifest.ts';
import { backendOptions, loadConfig, type Config } from './config.ts';
import { findEncoder } from './encoders/registry.ts';
import { loadTokenizer, type PieceTokenizer } from './encoders/tokenizer.ts';
import { fail } from './errors.ts';
import { openStorage } from './storage/open.ts';
import { findCheckpoint } from './store/checkpoints.ts';
import { checkpointOfAlias } from './store/models.ts';
import { gone, seen } from './store/processes.ts';
import { listScores } from './store/scores.ts';
import { openStore } from './store/store.ts';
import { loadTaggingModel } from './tagging/load.ts';
import { modelPool, type TaggingModel } from './tagging/pool.ts';
import { taggerServer } from './tagging/server.ts';
import { DEFAULT_ALIAS, tagging } from './tagging/tag.ts';
import { loadBackend } from './tensor/backend.ts';

/** Models in memory. */
const POOL_SIZE = 3;
/** Longest wait for requests at work when the process is ended. */
const STOP_MS = 12_000;

const config = loadConfig(process.env);
const { databaseUrl } = config;
if (databaseUrl === undefined) throw fail('DATABASE_URL_MISSING', {});
const log = pino({ level: config.logLevel, base: { process: 'tagger', pid: process.pid } });
const { device } = await loadBackend(backendOptions(config));
const store = await openStore(databaseUrl);
const storage = await openStorage(config);
const tokenizers = new Map<string, Promise<PieceTokenizer>>();
const pool = modelPool({ load: loadModel, size: POOL_SIZE });
const tagger = tagging({
  pool,
  checkpointOfAlias: (alias) => checkpointOfAlias(store, alias),
  scoredLanguages: async (runId) => (await listScores(store, [runId])).map(({ language }) => language),
  limit: config.taggerQueue,
});
const server = taggerServer({ tagging: tagger, device, models: pool.loaded, log });
const processId = `tagger_${randomUUID()}`;
const url = await listen(config);
await announce();
log.info({ processId, url, device }, 'tagger started');
let failedCheckpoint: string | undefined;
void preload();
const heartbeat = setInterval(beat, config.heartbeatSeconds * 1000);

closeWithGrace({ delay: STOP_MS, logger: false }, async ({ signal, err }) => {
  if (err) log.error({ err }, 'tagger failed');
  log.info({ signal }, 'tagger is ending');
  clearInterval(heartbeat);
  // first, so that the API looks for another one
  await gone(store, processId).catch(() => undefined);
  await server.close();
  await pool.close();
  await store.$disconnect();
});

function beat(): void {
  void preload();
  announce().catch((error: unknown) => log.warn({ err: error }, 'the tagger could not report itself'));
}

async function announce(): Promise<void> {
  const detail = { url, models: pool.loaded(), waiting: tagger.waiting() };
  await seen(store, { processId, role: 'tagger', host: hostname(), device, detail });
}

/** So that no request waits for the default model, whenever it is moved. */
async function preload(): Promise<void> {
  const checkpointId = await checkpointOfAlias(store, DEFAULT_ALIAS).catch(() => null);
  if (checkpointId === null || checkpointId === failedCheckpoint) return;
  await pool
    .use(checkpointId, () => Promise.resolve())
    .catch((error: unknown) => {
      failedCheckpoint = checkpointId;
      log.error({ err: error, checkpointId }, 'the default model could not be loaded');
    });
}

async function loadModel(checkpointId: string): Promise<TaggingModel> {
  const startedAt = performance.now();
  const row = await findCheckpoint(store, checkpointId);
  if (row === null) throw fail('MODEL_NOT_FOUND', { model: checkpointId });
  const manifest = parseManifest(row.manifest);
  if (!hasHead(manifest)) throw fail('MODEL_CANNOT_TAG', { checkpointId, kind: manifest.kind });
  const encoder = await findEncoder(config.encodersDir, manifest.encoder.encoderId);
  assertMatches(manifest, encoder);
  const tokenizer = await (tokenizers.get(encoder.directory) ?? keepTokenizer(encoder.directory));
  const checkpoint = await loadCheckpoint(storage, { storageKey: row.storageKey, manifest });
  const model = await loadTaggingModel({ checkpoint, encoder, tokenizer, cacheDir: config.cacheDir });
  log.info({ checkpointId, runId: row.runId, durationMs: Math.round(performance.now() - startedAt) }, 'model loaded');
  return model;
}

function keepTokenizer(directory: string): Promise<PieceTokenizer> {
  const loading = loadTokenizer(directory);
  tokenizers.set(directory, loading);
  loading.catch(() => tokenizers.delete(directory));
  return loading;
}

/** @returns the address that others reach it under */
async function listen({ taggerHost, taggerPort }: Config): Promise<string> {
  await server.listen({ host: taggerHost, port: taggerPort }).catch((cause: unknown) => {
    const isTaken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw isTaken ? fail('PORT_TAKEN', { host: taggerHost, port: taggerPort }, { cause }) : cause;
  });
  const { port } = server.server.address() as AddressInfo;
  const host = taggerHost === '0.0.0.0' || taggerHost === '::' ? hostname() : taggerHost;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
