/** The whole app on a database of its own; the queue, the tagger and downloads are fakes. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { InjectOptions } from 'fastify';
import { pino } from 'pino';
import { buildApp, type App } from '../../src/app.ts';
import type { CheckpointDownloads } from '../../src/checkpoints/download.ts';
import type { Config } from '../../src/config.ts';
import { createDatasetService } from '../../src/datasets/service.ts';
import { fail } from '../../src/errors.ts';
import { describeError } from '../../src/plugins/error-log.ts';
import { knownEncoders } from '../../src/runs/encoders.ts';
import { createRunService } from '../../src/runs/service.ts';
import type { NerRequest, NerResponse } from '../../src/schemas/ner.ts';
import { directoryStorage } from '../../src/storage/directory.ts';
import { openEventFeed } from '../../src/store/event-feed.ts';
import { EVENT_CHANNEL } from '../../src/store/events.ts';
import type { Store } from '../../src/store/store.ts';
import type { TaggerClient } from '../../src/tagging/client.ts';
import { testFolder, testStore, type Cleaner } from '../helper.ts';
import { installEncoder } from '../runs/fixtures/world.ts';

export const ENCODER = 'tiny-bert';
export const ARCHIVE = Buffer.from('0123456789abcdef');

export interface Api {
  readonly app: App;
  readonly store: Store;
  readonly databaseUrl: string;
  /** Runs that were given to the queue. */
  readonly queued: string[];
  /** What the tagger was asked. */
  readonly asked: NerRequest[];
  readonly logged: string[];
  /** Status and body, ids and times masked. */
  send(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD', url: string, body?: object, headers?: Record<string, string>): Promise<{ status: number; body: unknown }>;
  /** The body as it is; fails unless the status is below 300. */
  must<T>(method: 'GET' | 'POST' | 'PUT', url: string, body?: object): Promise<T>;
  upload(fields: Record<string, string>, content: string | Buffer, o?: { headers?: Record<string, string>; late?: Record<string, string>; part?: string }): Promise<{ status: number; body: unknown }>;
}

export interface ApiOptions {
  readonly maxUploadBytes?: number;
  readonly apiKeys?: string;
  readonly trustProxy?: Config['trustProxy'];
  readonly tagger?: Partial<TaggerClient>;
}

export async function openApi(t: Cleaner, { maxUploadBytes = 1_000_000, apiKeys, trustProxy = false, tagger: parts = {} }: ApiOptions = {}): Promise<Api> {
  const cleaners: (() => unknown)[] = [];
  t.after(async () => {
    for (const clean of cleaners.reverse()) await clean();
  });
  const cleaner: Cleaner = { after: (clean) => void cleaners.push(clean) };
  const { store, databaseUrl } = await testStore(cleaner);
  const folder = await testFolder(cleaner);
  const encodersDir = join(folder, 'encoders');
  await mkdir(encodersDir);
  await installEncoder(encodersDir, ENCODER);
  const apiKeysFile = apiKeys === undefined ? undefined : join(folder, 'keys');
  if (apiKeysFile !== undefined) await writeFile(apiKeysFile, apiKeys ?? '');
  const [queued, asked, logged]: [string[], NerRequest[], string[]] = [[], [], []];
  const tagger: TaggerClient = {
    tag: async (request) => {
      asked.push(request);
      return answerOf(request);
    },
    ready: async () => ({ ok: true, device: 'cpu' }),
    close: () => undefined,
    ...parts,
  };
  const delivery = { enqueue: async (_: unknown, { runId }: { runId: string }) => void queued.push(runId), work: async () => undefined, stop: async () => undefined };
  const app = await buildApp({
    config: { maxUploadBytes, apiKeysFile, trustProxy },
    store,
    datasets: createDatasetService({ store, storage: directoryStorage(join(folder, 'artifacts')) }),
    runs: createRunService({ store, delivery, config: { encodersDir, defaultEncoder: ENCODER } }),
    tagger,
    downloads: fakeDownloads,
    encoders: () => knownEncoders(store, { encodersDir }),
    events: openEventFeed({ databaseUrl, channel: EVENT_CHANNEL, onError: () => undefined }),
    logger: pino({ level: 'trace', serializers: { err: describeError } }, { write: (line: string) => void logged.push(line) }),
  });
  cleaner.after(() => app.close());
  await app.ready();

  async function inject(options: InjectOptions): Promise<{ status: number; body: unknown }> {
    const { statusCode, body } = await app.inject(options);
    return { status: statusCode, body: masked(parsed(body)) };
  }
  return {
    app,
    store,
    databaseUrl,
    queued,
    asked,
    logged,
    send: (method, url, body, headers = {}) => inject({ method, url, headers, ...(body !== undefined && { payload: body }) }),
    async must<T>(method: 'GET' | 'POST' | 'PUT', url: string, body?: object) {
      const { statusCode, body: text } = await app.inject({ method, url, ...(body !== undefined && { payload: body }) });
      if (statusCode >= 300) throw new Error(`${method} ${url}: ${statusCode} ${text}`);
      return parsed(text) as T;
    },
    upload: (fields, content, o = {}) => inject({ method: 'POST', url: '/datasets', ...multipart(fields, content, o) }),
  };
}

/** Ids, times and digests differ each time; that they are there, and of their kind, is what a body says. */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, masked(item)]));
  if (typeof value !== 'string') return value;
  return value
    .replace(/\b(ds|exp|run|ckpt)_[0-9a-z]{20}\b/g, '<$1>')
    .replace(/^req_[0-9a-f-]{36}$/, '<req>')
    .replace(/\bsha256:[0-9a-f]{64}\b/g, '<digest>')
    .replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, '<time>');
}

/** What every problem has; `errors` only where there are places. */
export function problem(status: number, code: string, title: string, detail: string, errors?: object[]): { status: number; body: object } {
  return { status, body: { type: `urn:mtmt:problem:${code}`, title, status, detail, code, requestId: '<req>', ...(errors !== undefined && { errors }) } };
}

/** Bytes as a browser writes them. */
export function multipart(
  fields: Record<string, string>,
  content: string | Buffer,
  { headers = {}, late = {}, part = 'file' }: { headers?: Record<string, string>; late?: Record<string, string>; part?: string } = {},
): { headers: Record<string, string>; payload: Buffer } {
  const boundary = 'a-boundary';
  const field = ([name, value]: [string, string]): string => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="${part}"; filename="secret name.conll"\r\nContent-Type: text/plain\r\n\r\n`;
  const payload = Buffer.concat([
    Buffer.from(Object.entries(fields).map(field).join('')),
    Buffer.from(head),
    Buffer.from(content),
    Buffer.from(`\r\n${Object.entries(late).map(field).join('')}--${boundary}--\r\n`),
  ]);
  return { headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, ...headers }, payload };
}

const fakeDownloads: CheckpointDownloads = {
  open: async (checkpointId) => {
    if (checkpointId !== 'ckpt_known') throw fail('CHECKPOINT_NOT_FOUND', { checkpointId });
    const whole = { start: 0, end: ARCHIVE.length };
    return { etag: '"abc"', sizeBytes: ARCHIVE.length, stream: ({ start, end } = whole) => Readable.from([ARCHIVE.subarray(start, end)]) };
  },
};

/** The first word of each text is a person. */
function answerOf({ text, texts = text === undefined ? [] : [text], aggregation }: NerRequest): NerResponse {
  const results = texts.map((whole) => {
    const name = whole.split(' ')[0] ?? '';
    const entity = { label: 'PER', text: name, start: 0, end: name.length, score: 0.5, ...(aggregation === 'none' && { tag: 'B-PER' }) };
    return { entities: name === '' ? [] : [entity], language: null, truncated: false, windows: 1, pieces: 3 };
  });
  return { results, model: { alias: 'default', checkpointId: 'ckpt_1', runId: 'run_1', encoder: ENCODER }, warnings: [] };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
