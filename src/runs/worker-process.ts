/** The worker's process: opens what a worker needs and ends it in order. */
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import type { Config, Devices } from '../config.ts';
import { fail } from '../errors.ts';
import { openStorage } from '../storage/open.ts';
import { openStore } from '../store/store.ts';
import { openDelivery } from './delivery.ts';
import type { TrainerTask } from './supervise.ts';
import { startWorker, type WorkerOptions } from './work.ts';

/** Longest wait for the runs to be given back before the process ends without. */
const STOP_MS = 25_000;

export async function runWorker(
  config: Config & { databaseUrl: string },
  options: { trainerPath: string; monitorSeconds?: number } & Partial<Pick<WorkerOptions, 'graceMs' | 'pollMs' | 'sweepMs'>>,
): Promise<void> {
  const log = pino({ level: config.logLevel, base: { process: 'worker', pid: process.pid } });
  const { databaseUrl, heartbeatSeconds, trainerNice: nice } = config;
  const { trainerPath: path, monitorSeconds, ...rest } = options;
  // its trainers need it: a machine that cannot reach it must not take runs
  await openStorage(config);
  const store = await openStore(databaseUrl);
  // Only the message: pg hangs its whole client on its errors.
  const onError = (error: unknown): void => log.warn({ error: error instanceof Error ? error.message : String(error) }, 'the queue reports an error');
  const delivery = await openDelivery('worker', { databaseUrl, heartbeatSeconds, onError, ...(monitorSeconds !== undefined && { monitorSeconds }) });
  const worker = await startWorker({ store, delivery, log, devices: devicesOf(config.devices), trainer: { path, nice }, heartbeatSeconds, ...rest });
  log.info({ processId: worker.processId, devices: config.devices }, 'worker started');
  closeWithGrace({ delay: STOP_MS, logger: false }, async ({ signal, err }) => {
    if (err) log.error({ err }, 'worker failed');
    log.info({ signal }, 'worker is ending');
    await worker.stop();
    await store.$disconnect();
  });
}

/** A slot for each GPU that is named; `auto` and `cpu` are one. */
export function devicesOf(devices: Devices): readonly TrainerTask['device'][] {
  return typeof devices === 'string' ? [devices] : devices;
}

/** The parent process starts Postgres where there is none, and says where it is. */
export function requireDatabase(config: Config): Config & { databaseUrl: string } {
  const { databaseUrl } = config;
  if (databaseUrl === undefined) throw fail('DATABASE_URL_MISSING', {});
  return { ...config, databaseUrl };
}
