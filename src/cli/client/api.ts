/** A command's view of the service: its HTTP API, as any client would use it. */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Static } from 'typebox';
import type { Checkpoint, ExportFormat } from '../../schemas/checkpoint.ts';
import type { Dataset } from '../../schemas/dataset.ts';
import type { Encoder } from '../../schemas/encoder.ts';
import type { Estimate } from '../../schemas/estimate.ts';
import type { Experiment } from '../../schemas/experiment.ts';
import type { Ready } from '../../schemas/health.ts';
import type { Model } from '../../schemas/model.ts';
import type { NerRequest, NerResponse } from '../../schemas/ner.ts';
import type { Problem } from '../../schemas/problem.ts';
import type { Event, Score } from '../../schemas/result.ts';
import type { PipelineAccepted, PipelineRequest, Run, RunRequest } from '../../schemas/run.ts';
import { CommandFailure } from './failure.ts';
import { post } from './post.ts';

/** The API is started again when it dies; reading goes on then. */
const RECONNECT_MS = 30_000;
const RETRY_MS = 300;
const SHOWN_PLACES = 3;

/** An answer that is a problem. */
export class ApiProblem extends CommandFailure {
  readonly problem: Problem;
  /** When to ask again, where the answer says so. */
  readonly retryAfterMs: number | null;
  constructor(problem: Problem, retryAfterMs: number | null = null) {
    const places = (problem.errors ?? []).slice(0, SHOWN_PLACES).map(({ pointer, line, column, detail }) => {
      const place = pointer ?? [line !== undefined && `line ${line}`, column !== undefined && `column ${column}`].filter(Boolean).join(', ');
      return `\n  ${place}: ${detail}`;
    });
    super(`${problem.status} ${problem.code}: ${problem.detail}${places.join('')}`);
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }
}

/** An answer that is not the API's: of a proxy before it. */
export class ApiForeign extends CommandFailure {
  readonly status: number;
  constructor(asked: string, { status, text }: { status: number; text: string }) {
    super(`${asked} answered ${status} with what is not JSON: ${text.slice(0, 200)}`);
    this.status = status;
  }
}

/** No answer. */
export class ApiUnreachable extends CommandFailure {}

export interface Upload {
  readonly name: string;
  readonly kind: 'labeled' | 'unlabeled';
  readonly language: string;
  readonly split: 'train' | 'dev' | 'test';
  /** Of a CoNLL file. */
  readonly content: Uint8Array<ArrayBuffer> | string;
}

export interface ApiClient {
  readonly url: string;
  /** The same content under the same name is the dataset that is there. */
  upload(upload: Upload): Promise<Dataset>;
  /** Creates it, or finds it. */
  ensureExperiment(name: string, hypothesis: string): Promise<void>;
  /** Adds to the tags that it has. */
  tagExperiment(name: string, tags: Readonly<Record<string, string>>): Promise<Experiment>;
  submitRun(request: Static<typeof RunRequest>): Promise<Run>;
  submitPipeline(request: Static<typeof PipelineRequest>): Promise<Static<typeof PipelineAccepted>>;
  /** Newest first, at most 200. @param filter as GET /runs takes it */
  runs(experiment: string, filter?: string): Promise<Run[]>;
  run(runId: string): Promise<Run>;
  resume(runId: string): Promise<void>;
  cancel(runId: string): Promise<void>;
  /** One that has ended. */
  deleteRun(runId: string): Promise<void>;
  /** @param details whether variants carry counts by sentence and by alpha */
  scores(runId: string, o?: { details: boolean }): Promise<Score[]>;
  /** F1 by target language without gold tags, with the truth where the run was scored there. */
  estimates(runId: string): Promise<Estimate[]>;
  events(runId: string, after: number): Promise<Static<typeof Event>[]>;
  checkpoints(runId: string): Promise<Checkpoint[]>;
  /** An exported checkpoint as a tar. */
  download(checkpointId: string, format: ExportFormat): Promise<{ sizeBytes: number; stream: Readable }>;
  /** Null where there is no such alias. */
  model(alias: string): Promise<Static<typeof Model> | null>;
  checkpoint(checkpointId: string): Promise<Static<typeof Checkpoint>>;
  encoders(): Promise<Static<typeof Encoder>[]>;
  health(): Promise<Static<typeof Ready>>;
  isReady(): Promise<boolean>;
  tag(request: NerRequest): Promise<NerResponse>;
}

/** @param o.apiKey where the service wants one */
export function apiClient(url: string, { signal = new AbortController().signal, apiKey }: { signal?: AbortSignal; apiKey?: string | undefined } = {}): ApiClient {
  const authorization = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };

  /** Only what changes nothing is asked again. */
  async function send(method: string, path: string, body?: object): Promise<Response> {
    const isForm = body instanceof FormData;
    for (const deadline = performance.now() + RECONNECT_MS; ; ) {
      try {
        return await fetch(`${url}${path}`, {
          method,
          signal,
          ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
          headers: { ...authorization, ...(body !== undefined && !isForm && { 'content-type': 'application/json' }) },
        });
      } catch (cause) {
        signal.throwIfAborted();
        if (method !== 'GET' || performance.now() > deadline) throw new ApiUnreachable(`${method} ${url}${path}: the service does not answer`, { cause });
        await sleep(RETRY_MS, undefined, { signal });
      }
    }
  }

  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    return read<T>(`${method} ${url}${path}`, await send(method, path, body));
  }

  async function read<T>(asked: string, answer: Response): Promise<T> {
    const text = await answer.text().catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new ApiUnreachable(`${asked}: the service broke off its answer`, { cause });
    });
    return understood(asked, { status: answer.status, text, retryAfter: answer.headers.get('retry-after') }) as T;
  }

  async function tag(request: NerRequest): Promise<NerResponse> {
    const asked = `POST ${url}/ner`;
    const { status, headers, text } = await post(`${url}/ner`, { body: JSON.stringify(request), headers: authorization, signal }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new ApiUnreachable(`${asked}: the service does not answer`, { cause });
    });
    return understood(asked, { status, text, retryAfter: headers['retry-after'] ?? null }) as NerResponse;
  }

  const list = async <T>(path: string): Promise<T[]> => (await call<{ items: T[] }>('GET', path)).items;

  return {
    url,
    upload({ content, ...fields }) {
      const form = new FormData();
      // fields come before the file, which is streamed
      for (const [name, value] of Object.entries({ ...fields, format: 'conll' })) form.append(name, value);
      form.append('file', new Blob([content]), 'corpus.conll');
      return call('POST', '/datasets', form);
    },
    async ensureExperiment(name, hypothesis) {
      await call('POST', '/experiments', { name, hypothesis }).catch((error: unknown) => {
        if (!(error instanceof ApiProblem) || error.problem.code !== 'EXPERIMENT_NAME_TAKEN') throw error;
      });
    },
    async tagExperiment(name, tags) {
      const path = `/experiments/${encodeURIComponent(name)}`;
      const known = await call<Experiment>('GET', path);
      return call('PATCH', path, { tags: { ...known.tags, ...tags } });
    },
    submitRun: (request) => call('POST', '/runs', request),
    submitPipeline: (request) => call('POST', '/pipelines', request),
    runs: (experiment, filter) => list(`/runs?limit=200&experiment=${encodeURIComponent(experiment)}${filter === undefined ? '' : `&filter=${encodeURIComponent(filter)}`}`),
    run: (runId) => call('GET', `/runs/${runId}`),
    async resume(runId) {
      await call('POST', `/runs/${runId}/resume`);
    },
    async cancel(runId) {
      await call('POST', `/runs/${runId}/cancel`);
    },
    async deleteRun(runId) {
      await send('DELETE', `/runs/${runId}`);
    },
    scores: (runId, { details } = { details: false }) => list(`/runs/${runId}/scores${details ? '?limit=200&details=true' : ''}`),
    estimates: (runId) => list(`/runs/${runId}/estimates?limit=200`),
    events: (runId, after) => list(`/runs/${runId}/events?limit=200&after=${after}`),
    model: (alias) =>
      call<Static<typeof Model>>('GET', `/models/${encodeURIComponent(alias)}`).catch((error: unknown) => {
        if (error instanceof ApiProblem && error.problem.code === 'MODEL_NOT_FOUND') return null;
        throw error;
      }),
    checkpoints: (runId) => list(`/runs/${runId}/checkpoints?limit=200`),
    checkpoint: (checkpointId) => call('GET', `/checkpoints/${encodeURIComponent(checkpointId)}`),
    async download(checkpointId, format) {
      const path = `/checkpoints/${checkpointId}/download?format=${format}`;
      const answer = await send('GET', path);
      if (!answer.ok || answer.body === null) return read(`GET ${url}${path}`, answer);
      return { sizeBytes: Number(answer.headers.get('content-length')), stream: Readable.fromWeb(answer.body) };
    },
    encoders: () => list('/encoders?limit=200'),
    health: async () => (await (await send('GET', '/health/ready')).json()) as Static<typeof Ready>,
    isReady: async () => (await send('GET', '/health/ready')).ok,
    tag,
  };
}

/** @throws ApiProblem, ApiForeign */
function understood(asked: string, { status, text, retryAfter }: { status: number; text: string; retryAfter: string | null }): unknown {
  const parsed = parse(text);
  if (parsed === undefined) throw new ApiForeign(asked, { status, text });
  if (status >= 200 && status < 300) return parsed;
  const seconds = Number(retryAfter ?? 'none');
  throw new ApiProblem(parsed as Problem, Number.isFinite(seconds) ? 1000 * seconds : null);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
