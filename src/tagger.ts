/** The inference process: holds models and tags what the API sends. */
import { randomUUID } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { loadCheckpoint } from './checkpoints/load.ts';
import { assertMatches, hasHead, parseManifest } from './checkpoints/manifest.ts';
import { backendOptions, loadConfig } from './config.ts';
import { findEncoder } from './encoders/registry.ts';
import { loadTokenizer, type PieceTokenizer } from './encoders/tokenizer.ts';
import { fail } from './errors.ts';
import { listen, tellParent } from './listen.ts';
import { openStorage } from './storage/open.ts';
import { findCheckpoint } from './store/checkpoints.ts';
import { checkpointOfAlias } from './store/models.ts';
import { gone, seen } from './store/processes.ts';
import { listScores } from './store/scores.ts';
import { openStore } from './store/store.ts';
import { loadTaggingModel } from './tagging/load.ts';
import { modelPool, type TaggingModel } from './tagging/pool.ts';
import { taggerServer } from './tagging/server.ts';
import { shared } from './tagging/shared.ts';
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
  checkpointOfAlias: shared((alias) => checkpointOfAlias(store, alias)),
  scoredLanguages: async (runId) => (await listScores(store, [runId])).map(({ language }) => language),
  limit: config.taggerQueue,
});
const server = taggerServer({ tagging: tagger, device, models: pool.loaded, log });
const processId = `tagger_${randomUUID()}`;
const port = await listen(server, { host: config.taggerHost, port: config.taggerPort, isAnyPortFine: config.isAnyPortFine });
const url = urlOf(config.taggerHost, port);
await announce();
tellParent({ type: 'listening', port });
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

/** Where others reach it: what listens everywhere is named by this machine's first address, since host names are rarely known to others. */
function urlOf(host: string, port: number): string {
  const reached = host === '0.0.0.0' || host === '::' ? (firstAddress() ?? hostname()) : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

function firstAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address;
}
