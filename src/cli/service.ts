// The whole service on this machine: Postgres unless there is one, then API, tagger and worker as processes.
import { createWriteStream, mkdirSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.ts';
import { fail } from '../errors.ts';
import { migrate } from '../store/migrate.ts';
import { startPostgres } from '../store/postgres.ts';
import { keepRunning } from './child.ts';
import type { ServiceProcess } from './child.ts';

const READY_TIMEOUT_MS = 90_000;
/** In the data folder: where the service of that folder is, for other commands. */
const SERVICE_FILE = 'service.json';

export interface Service {
  /** Of the API. */
  readonly url: string;
  /** API, tagger, worker, and Postgres last. */
  stop(): Promise<void>;
  /** At once; the next start accepts what is left. */
  kill(): void;
}

/** One line of a process's log: JSON of pino, or what a crash printed. */
export type LogSink = (line: string) => void;

export async function startService(o: {
  config: Config;
  /** Takes other ports where the configured ones are in use, instead of refusing. */
  isAnyPortFine: boolean;
  log: LogSink;
  signal?: AbortSignal;
}): Promise<Service> {
  const { config, log } = o;
  const port = await choosePort(config.host, config.port, o.isAnyPortFine);
  const taggerPort = await choosePort(config.taggerHost, config.taggerPort, o.isAnyPortFine);
  const postgres = config.databaseUrl === undefined ? await startPostgres(config) : null;
  const processes: ServiceProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const name of ['api', 'tagger', 'worker']) await processes.find((process) => process.name === name)?.stop();
    await rm(join(config.dataDir, SERVICE_FILE), { force: true });
    await postgres?.stop();
  };
  try {
    const databaseUrl = postgres?.url ?? config.databaseUrl ?? '';
    await migrate(databaseUrl);
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      DATABASE_URL: databaseUrl,
      HOST: config.host,
      PORT: String(port),
      TAGGER_URL: urlOf(config.taggerHost, taggerPort),
      TAGGER_HOST: config.taggerHost,
      TAGGER_PORT: String(taggerPort),
    };
    for (const [name, file] of Object.entries({ tagger: 'tagger.ts', worker: 'worker.ts', api: 'server.ts' })) {
      const path = fileURLToPath(new URL(`../${file}`, import.meta.url));
      const onDeath = (how: string, restartInMs: number): void => log(warning(`${name} died (${how}), starts again in ${restartInMs / 1000} s`));
      processes.push(keepRunning({ name, path, env, onLine: log, onDeath }));
    }
    const url = urlOf(config.host, port);
    await waitUntilLive(url, o.signal);
    await writeFile(join(config.dataDir, SERVICE_FILE), JSON.stringify({ url }));
    const kill = (): void => {
      for (const process of processes) process.kill();
    };
    return { url, stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The service of this data folder: the one that runs, else a new one on any free ports, which keeps its log in the folder. */
export async function joinOrStartService({ config, signal }: { config: Config; signal: AbortSignal }): Promise<Service & { readonly isJoined: boolean }> {
  const running = await findService(config.dataDir);
  if (running !== null) return { url: running, isJoined: true, stop: () => Promise.resolve(), kill: () => undefined };
  mkdirSync(config.dataDir, { recursive: true });
  const log = createWriteStream(join(config.dataDir, 'service.log'), { flags: 'a' });
  const service = await startService({ config, isAnyPortFine: true, log: (line) => void log.write(`${line}\n`), signal });
  return { ...service, isJoined: false };
}

/** Address of the live service of a data folder. */
async function findService(dataDir: string): Promise<string | null> {
  try {
    const { url } = JSON.parse(await readFile(join(dataDir, SERVICE_FILE), 'utf8')) as { url: string };
    const answer = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(2_000) });
    return answer.ok ? url : null;
  } catch {
    return null; // no such file, or nobody listens there any more
  }
}

/** What listens everywhere is reached here. */
function urlOf(host: string, port: number): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

async function waitUntilLive(url: string, signal?: AbortSignal): Promise<void> {
  const until = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (answer?.ok === true) return;
    signal?.throwIfAborted();
    if (performance.now() > until) throw fail('SERVICE_NOT_LIVE', { url, seconds: READY_TIMEOUT_MS / 1000 });
    await sleep(100);
  }
}

async function choosePort(host: string, wanted: number, isAnyFine: boolean): Promise<number> {
  const found = await tryPort(host, wanted);
  if (found !== null) return found;
  const free = isAnyFine ? await tryPort(host, 0) : null;
  if (free === null) throw fail('PORT_TAKEN', { host, port: wanted });
  return free;
}

/** @returns the port, chosen by the system for 0; null where another program has it */
function tryPort(host: string, port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    probe.listen(port, host, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}

/** In pino's shape: the same reader shows it. */
function warning(msg: string): string {
  return JSON.stringify({ level: 40, time: Date.now(), name: 'serve', msg });
}
