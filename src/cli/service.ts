// The whole service on this machine: Postgres unless there is one, then API, tagger and worker as processes.
import { createWriteStream, mkdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.ts';
import { fail } from '../errors.ts';
import { openStorage } from '../storage/open.ts';
import { migrate } from '../store/migrate.ts';
import { startPostgres } from '../store/postgres.ts';
import type { ServiceProcess } from './child.ts';
import { startProcess, type LogSink, type StartedProcess } from './service-process.ts';

const READY_TIMEOUT_MS = 90_000;
/** In the data folder: where the service of that folder is, for other commands. */
const SERVICE_FILE = 'service.json';

export interface Service {
  /** Of the API. */
  readonly url: string;
  /** Of the process whose children API, tagger and worker are; null where a service does not say so. */
  readonly pid: number | null;
  /** API, tagger, worker, and Postgres last. */
  stop(): Promise<void>;
  /** At once; the next start accepts what is left. */
  kill(): void;
}

export async function startService(o: {
  config: Config;
  /** Of its processes. Default: this one's. */
  env?: NodeJS.ProcessEnv;
  /** Takes other ports where the configured ones are in use, instead of refusing. */
  isAnyPortFine: boolean;
  log: LogSink;
  signal?: AbortSignal;
}): Promise<Service> {
  const { config, log } = o;
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
    await openStorage(config); // what is wrong with it is said here, and not again and again by three processes
    const env = { ...(o.env ?? process.env), DATABASE_URL: databaseUrl, ...(o.isAnyPortFine && { FREE_PORTS: 'on' }) };
    const started = (name: string, file: string): StartedProcess => {
      const one = startProcess({ name, file, env, log });
      processes.push(one.process);
      return one;
    };
    const tagger = started('tagger', 'tagger.ts');
    started('worker', 'worker.ts');
    const api = started('api', 'server.ts');
    // a tagger that cannot start is tried again and again, and the rest can be used meanwhile
    const [port] = await withinPatience(Promise.all([api.port, Promise.race([tagger.port, tagger.hasDied])]), o.signal);
    const url = urlOf(config.host, port);
    await mkdir(config.dataDir, { recursive: true });
    await writeFile(join(config.dataDir, SERVICE_FILE), JSON.stringify({ url, pid: process.pid }));
    const kill = (): void => {
      for (const process of processes) process.kill();
    };
    return { url, pid: process.pid, stop, kill };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The service of this data folder: the one that runs, else a new one on any free ports, which keeps its log in the folder. */
export async function joinOrStartService({ config, signal }: { config: Config; signal: AbortSignal }): Promise<Service & { readonly isJoined: boolean }> {
  const running = await findService(config.dataDir);
  if (running !== null) return { ...running, isJoined: true, stop: () => Promise.resolve(), kill: () => undefined };
  mkdirSync(config.dataDir, { recursive: true });
  const log = createWriteStream(join(config.dataDir, 'service.log'), { flags: 'a' });
  const service = await startService({ config, isAnyPortFine: true, log: (line) => void log.write(`${line}\n`), signal });
  return { ...service, isJoined: false };
}

/** The live service of a data folder. */
export async function findService(dataDir: string): Promise<Pick<Service, 'url' | 'pid'> | null> {
  try {
    const { url, pid = null } = JSON.parse(await readFile(join(dataDir, SERVICE_FILE), 'utf8')) as { url: string; pid?: number };
    const answer = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(2_000) });
    return answer.ok ? { url, pid } : null;
  } catch {
    return null; // no such file, or nobody listens there any more
  }
}

/** What listens everywhere is reached here. */
function urlOf(host: string, port: number): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

async function withinPatience<T>(started: Promise<T>, signal?: AbortSignal): Promise<T> {
  const patience = AbortSignal.any([AbortSignal.timeout(READY_TIMEOUT_MS), ...(signal === undefined ? [] : [signal])]);
  const gaveUp = new Promise<never>((_, reject) => {
    patience.addEventListener('abort', () => reject(signal?.aborted === true ? (signal.reason as Error) : fail('SERVICE_NOT_LIVE', { seconds: READY_TIMEOUT_MS / 1000 })), { once: true });
  });
  return Promise.race([started, gaveUp]);
}
