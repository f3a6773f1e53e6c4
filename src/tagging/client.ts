/** How the API reaches the tagger's process. */
import { Agent, request as send } from 'node:http';
import { ERRORS, fail, MtmtError, type ErrorCode } from '../errors.ts';
import type { NerRequest, NerResponse } from '../schemas/ner.ts';
import { CLIENT_HEADER, type TaggerProblem } from './server.ts';

export interface TaggerClient {
  /** @throws what the tagger answers, and TAGGER_UNAVAILABLE */
  tag(request: NerRequest, options?: TagOptions): Promise<NerResponse>;
  ready(): Promise<{ ok: boolean; reason?: string; device?: string }>;
  /** Ends idle connections. */
  close(): void;
}

export interface TagOptions {
  readonly signal?: AbortSignal;
  /** Who asks, in letters that a header may hold: clients take turns. Absent: all who do not say are one. */
  readonly client?: string;
}

export interface TaggerClientOptions {
  /** Addresses of taggers: TAGGER_URL, or `urlsOfTaggers` of the live processes. */
  readonly locate: () => Promise<readonly string[]>;
  /** Longest wait for an answer. Default: 10 minutes; half a million words, the most that is taken, need some of them on two cores. */
  readonly timeoutMs?: number;
}

const READY_TIMEOUT_MS = 2_000;
/** How long addresses are believed; a failed connection forgets its own at once. */
const LOCATED_FOR_MS = 5_000;
/** Taggers that one request is offered to. */
const ATTEMPTS = 3;

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterSeconds: number;
}

/**
 * @param processes live taggers, freshest first
 * @param host this machine's name: what listens on another one's loopback address is not reached from here
 */
export function urlsOfTaggers(processes: readonly { host: string; detail: Record<string, unknown> }[], host: string): string[] {
  const reached = processes.filter((process) => process.host === host || !isLoopback(process.detail['url']));
  return reached.flatMap(({ detail: { url } }) => (typeof url === 'string' ? [url] : []));
}

function isLoopback(url: unknown): boolean {
  return typeof url === 'string' && /^http:\/\/(127\.|localhost[:/]|\[::1\])/.test(url);
}

export function taggerClient({ locate, timeoutMs = 600_000 }: TaggerClientOptions): TaggerClient {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 16 });
  let located: { urls: string[]; at: number } = { urls: [], at: -Infinity };
  let turn = 0;

  /** Taggers in turn. */
  async function address(): Promise<string> {
    if (located.urls.length === 0 || performance.now() - located.at > LOCATED_FOR_MS) located = { urls: [...(await locate())], at: performance.now() };
    const url = located.urls[turn++ % located.urls.length];
    if (url === undefined) throw fail('TAGGER_UNAVAILABLE', { detail: 'none has reported itself' });
    return url;
  }

  function forget(url: string): void {
    located.urls = located.urls.filter((each) => each !== url);
  }

  async function call(path: string, o: Pick<Exchange, 'body' | 'client' | 'timeoutMs' | 'signal'>): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const url = await address();
      try {
        const answer = await exchange(new URL(path, url), { agent, ...o });
        if (!isEnding(answer)) return answer;
        forget(url);
        if (attempt >= ATTEMPTS) return answer;
      } catch (cause) {
        o.signal?.throwIfAborted();
        forget(url);
        // a kept connection may have been closed meanwhile, or the tagger be gone; to tag twice does no harm
        if (attempt < ATTEMPTS && isConnectionError(cause)) continue;
        const detail = cause instanceof TimedOut ? `it did not answer within ${o.timeoutMs / 1000} s` : 'it does not answer';
        throw fail('TAGGER_UNAVAILABLE', { detail }, { cause });
      }
    }
  }

  return {
    async tag(request, { signal, client } = {}) {
      const answer = await call('/tag', { body: JSON.stringify(request), client, timeoutMs, signal });
      if (answer.status === 200) return answer.body as NerResponse;
      throw errorOf(answer);
    },
    async ready() {
      try {
        const { status, body } = await call('/ready', { timeoutMs: READY_TIMEOUT_MS });
        const { ok, device } = body as { ok?: boolean; device?: string };
        if (status !== 200 || ok !== true) return { ok: false, reason: 'the tagger is not ready' };
        return { ok: true, ...(device !== undefined && { device }) };
      } catch (error) {
        return { ok: false, reason: error instanceof Error ? error.message : String(error) };
      }
    },
    close: () => agent.destroy(),
  };
}

class TimedOut extends Error {}

interface Exchange {
  readonly agent: Agent;
  readonly body?: string;
  readonly client?: string | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

function exchange(url: URL, o: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = o.body === undefined ? null : Buffer.from(o.body);
    const headers = body === null ? {} : { 'content-type': 'application/json', 'content-length': body.length, ...(o.client !== undefined && { [CLIENT_HEADER]: o.client }) };
    const options = { agent: o.agent, method: body === null ? 'GET' : 'POST', headers, ...(o.signal && { signal: o.signal }) };
    const sent = send(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fails);
      response.on('end', () => {
        clearTimeout(timer);
        try {
          const retryAfterSeconds = Number(response.headers['retry-after']) || 1;
          resolve({ status: response.statusCode ?? 500, body: JSON.parse(Buffer.concat(chunks).toString('utf8')), retryAfterSeconds });
        } catch (error) {
          fails(error);
        }
      });
    });
    const timer = setTimeout(() => sent.destroy(new TimedOut()), o.timeoutMs);
    sent.on('error', fails);
    sent.end(body);

    function fails(error: unknown): void {
      clearTimeout(timer);
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** The framework of one that is ending says so itself, with no code of ours. */
function isEnding({ status, body }: Answer): boolean {
  return status === 503 && !Object.hasOwn(ERRORS, (body as Partial<TaggerProblem>).code ?? '');
}

function isConnectionError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE';
}

function errorOf({ status, body, retryAfterSeconds }: Answer): MtmtError {
  const { code = '', detail = '', errors } = body as Partial<TaggerProblem>;
  if (!Object.hasOwn(ERRORS, code)) return fail('TAGGER_UNAVAILABLE', { detail: 'it answers what is not understood' });
  return new MtmtError(code as ErrorCode, detail, { ...(errors !== undefined && { errors }), ...(status === 503 && { retryAfterSeconds }) });
}
