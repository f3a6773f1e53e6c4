/** The inference process: holds models and tags what the API sends. */
import { randomUUID } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { openCheckpoint } from './checkpoints/load.ts';
import { assertMatches, hasHead, parseManifest } from './checkpoints/manifest.ts';
import { backendOptions, loadConfig } from './config.ts';
import { findEncoder } from './encoders/registry.ts';
import { fail } from './errors.ts';
import { listen, tellParent } from './listen.ts';
import { openStorage } from './storage/open.ts';
import { openAliasReader } from './store/alias-reader.ts';
import { findCheckpoint } from './store/checkpoints.ts';
import { gone, seen } from './store/processes.ts';
import { scoredLanguages } from './store/scores.ts';
import { openStore } from './store/store.ts';
import { openEncoders } from './tagging/encoders.ts';
import { loadTaggingModel } from './tagging/load.ts';
import { modelPool, type LoadableModel, type TaggingModel } from './tagging/pool.ts';
import { preload } from './tagging/preload.ts';
import { sizeOfModel } from './tagging/size.ts';
import { taggerServer } from './tagging/server.ts';
import { shared } from './tagging/shared.ts';
import { DEFAULT_ALIAS, tagging } from './tagging/tag.ts';
import { hasFastBfloat16, loadBackend } from './tensor/backend.ts';

/** Longest wait for requests at work when the process is ended. */
const STOP_MS = 12_000;

const config = loadConfig(process.env);
const { databaseUrl } = config;
if (databaseUrl === undefined) throw fail('DATABASE_URL_MISSING', {});
const log = pino({ level: config.logLevel, base: { process: 'tagger', pid: process.pid } });
const { device } = await loadBackend({ ...backendOptions(config), returnsMemory: true });
const fastest = hasFastBfloat16() ? 'bfloat16' : 'float32';
const precision = config.taggerPrecision === 'auto' ? fastest : config.taggerPrecision;
const store = await openStore(databaseUrl);
const aliases = openAliasReader(databaseUrl);
const storage = await openStorage(config);
const encoders = openEncoders();
const pool = modelPool({ find: findModel, budgetBytes: config.taggerMemoryBytes });
const preloading = preload({
  pool,
  checkpointOfAlias: shared((alias) => aliases.checkpointOf(alias)),
  always: DEFAULT_ALIAS,
  onFailure: (err, checkpointId) => log.error({ err, checkpointId }, 'the model of an alias could not be loaded'),
});
const tagger = tagging({
  pool,
  checkpointOfAlias: (alias) => preloading.resolve(alias),
  lastOfAlias: (alias) => preloading.lastOf(alias),
  scoredLanguages: shared((runId) => scoredLanguages(store, runId)),
  limit: config.taggerQueue,
});
const server = taggerServer({ tagging: tagger, device, models: pool.loaded, log });
const processId = `tagger_${randomUUID()}`;
const port = await listen(server, { host: config.taggerHost, port: config.taggerPort, isAnyPortFine: config.isAnyPortFine });
const url = urlOf(config.taggerHost, port);
await announce();
tellParent({ type: 'listening', port });
log.info({ processId, url, device, precision }, 'tagger started');
void preloading.refresh();
const heartbeat = setInterval(beat, config.heartbeatSeconds * 1000);

closeWithGrace({ delay: STOP_MS, logger: false }, async ({ signal, err }) => {
  if (err) log.error({ err }, 'tagger failed');
  log.info({ signal }, 'tagger is ending');
  clearInterval(heartbeat);
  // first, so that the API looks for another one
  await gone(store, processId).catch(() => undefined);
  await server.close();
  await pool.close();
  await encoders.close();
  await aliases.close();
  await store.$disconnect();
});

function beat(): void {
  void preloading.refresh();
  announce().catch((error: unknown) => log.warn({ err: error }, 'the tagger could not report itself'));
}

async function announce(): Promise<void> {
  const detail = { url, models: pool.loaded(), waiting: tagger.waiting() };
  await seen(store, { processId, role: 'tagger', host: hostname(), device, detail });
}

async function findModel(checkpointId: string): Promise<LoadableModel> {
  const row = await findCheckpoint(store, checkpointId);
  if (row === null) throw fail('MODEL_NOT_FOUND', { model: checkpointId });
  const manifest = parseManifest(row.manifest);
  if (!hasHead(manifest)) throw fail('MODEL_CANNOT_TAG', { checkpointId, kind: manifest.kind });
  const encoder = await findEncoder(config.encodersDir, manifest.encoder.encoderId);
  assertMatches(manifest, encoder);
  const { runId, storageKey } = row;
  const sizeBytes = sizeOfModel(encoder.config, manifest, precision);
  const load = async (): Promise<TaggingModel> => {
    const startedAt = performance.now();
    const open = await encoders.open(encoder);
    const model = await loadTaggingModel({ checkpoint: await openCheckpoint(storage, { storageKey, manifest }), open, precision, cacheDir: config.cacheDir });
    log.info({ checkpointId, runId, sizeBytes, durationMs: Math.round(performance.now() - startedAt) }, 'model loaded');
    return model;
  };
  return { sizeBytes, load };
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
