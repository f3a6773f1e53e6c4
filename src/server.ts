/** The API's process: opens what the app needs, listens, and ends in order. */
import { hostname } from 'node:os';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { buildApp } from './app.ts';
import { loadConfig } from './config.ts';
import { createDatasetService } from './datasets/service.ts';
import { listen, tellParent } from './listen.ts';
import { describeError } from './plugins/error-log.ts';
import { openEventFeed } from './store/event-feed.ts';
import { openDelivery } from './runs/delivery.ts';
import { knownEncoders } from './runs/encoders.ts';
import { checkpointDownloads } from './runs/downloads.ts';
import { createRunService } from './runs/service.ts';
import { requireDatabase } from './runs/worker-process.ts';
import { openStorage } from './storage/open.ts';
import { EVENT_CHANNEL } from './store/events.ts';
import { liveProcesses } from './store/processes.ts';
import { openStore } from './store/store.ts';
import { taggerClient, urlsOfTaggers } from './tagging/client.ts';

/** Longest wait for requests at work when the process is ended. */
const STOP_MS = 10_000;

const config = requireDatabase(loadConfig());
const { databaseUrl, heartbeatSeconds, taggerUrl } = config;
// the framework logs errors, too, under `err`
const log = pino({ level: config.logLevel, base: { process: 'api', pid: process.pid }, serializers: { err: describeError } });
const warn = (what: string) => (error: unknown) => log.warn({ error: describeError(error) }, what);
const store = await openStore(databaseUrl);
const storage = await openStorage(config);
const delivery = await openDelivery('sender', { databaseUrl, heartbeatSeconds, onError: warn('the queue reports an error') });
const tagger = taggerClient({ locate: async () => (taggerUrl === undefined ? urlsOfTaggers(await liveProcesses(store, 'tagger'), hostname()) : [taggerUrl]) });
const app = await buildApp({
  config,
  store,
  datasets: createDatasetService({ store, storage }),
  runs: createRunService({ store, delivery, config }),
  tagger,
  encoders: () => knownEncoders(store, config),
  downloads: checkpointDownloads({ store, storage, config }),
  events: openEventFeed({ databaseUrl, channel: EVENT_CHANNEL, onError: warn('the event connection reports an error') }),
  logger: log,
});

closeWithGrace({ delay: STOP_MS, logger: false }, async ({ signal, err }) => {
  if (err) log.error({ err }, 'api failed');
  log.info({ signal }, 'api is ending');
  await app.close();
  tagger.close();
  await delivery.stop();
  await store.$disconnect();
});
tellParent({ type: 'listening', port: await listen(app, config) });
