/** How the API reaches the tagger's process. */
import { Agent, request as send } from 'node:http';
import { ERRORS, fail, MtmtError, type ErrorCode } from '../errors.ts';
import type { NerRequest, NerResponse } from '../schemas/ner.ts';
import type { TaggerProblem } from './server.ts';

export interface TaggerClient {
  /** @throws what the tagger answers, and TAGGER_UNAVAILABLE */
  tag(request: NerRequest, options?: { signal?: AbortSignal }): Promise<NerResponse>;
  ready(): Promise<{ ok: boolean; reason?: string; device?: string }>;
  /** Ends idle connections. */
  close(): void;
}

export interface TaggerClientOptions {
  /** Address of a tagger: TAGGER_URL, or `urlOfTagger` of the live processes. */
  readonly locate: () => Promise<string | null>;
  /** Longest wait for an answer. Default: 120 s, long documents take that on few cores. */
  readonly timeoutMs?: number;
}

const READY_TIMEOUT_MS = 2_000;
/** How long an address is believed; a failed connection forgets it at once. */
const LOCATED_FOR_MS = 5_000;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** @param processes live taggers, freshest first */
export function urlOfTagger(processes: readonly { detail: Record<string, unknown> }[]): string | null {
  const urls = processes.map(({ detail }) => detail['url']);
  return urls.find((url): url is string => typeof url === 'string') ?? null;
}

export function taggerClient({ locate, timeoutMs = 120_000 }: TaggerClientOptions): TaggerClient {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 16 });
  let located: { url: string; at: number } | null = null;

  async function address(): Promise<string> {
    if (located !== null && performance.now() - located.at < LOCATED_FOR_MS) return located.url;
    const url = await locate();
    if (url === null) throw fail('TAGGER_UNAVAILABLE', { detail: 'none has reported itself' });
    located = { url, at: performance.now() };
    return url;
  }

  async function call(path: string, o: { body?: string; timeoutMs: number; signal?: AbortSignal | undefined }): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const url = await address();
      try {
        return await exchange(new URL(path, url), { agent, ...o });
      } catch (cause) {
        o.signal?.throwIfAborted();
        located = null;
        // a kept connection may have been closed meanwhile, or the tagger restarted elsewhere; to tag twice does no harm
        if (attempt === 1 && isConnectionError(cause)) continue;
        const detail = cause instanceof TimedOut ? `it did not answer within ${o.timeoutMs / 1000} s` : 'it does not answer';
        throw fail('TAGGER_UNAVAILABLE', { detail }, { cause });
      }
    }
  }

  return {
    async tag(request, { signal } = {}) {
      const { status, body } = await call('/tag', { body: JSON.stringify(request), timeoutMs, signal });
      if (status === 200) return body as NerResponse;
      const error = errorOf(body);
      // one that is ending answers so, and another may have come
      if (error.code === 'TAGGER_UNAVAILABLE') located = null;
      throw error;
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

function exchange(url: URL, o: { agent: Agent; body?: string; timeoutMs: number; signal?: AbortSignal | undefined }): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const body = o.body === undefined ? null : Buffer.from(o.body);
    const headers = body === null ? {} : { 'content-type': 'application/json', 'content-length': body.length };
    const options = { agent: o.agent, method: body === null ? 'GET' : 'POST', headers, ...(o.signal && { signal: o.signal }) };
    const sent = send(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fails);
      response.on('end', () => {
        clearTimeout(timer);
        try {
          resolve({ status: response.statusCode ?? 500, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) });
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

function isConnectionError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE';
}

function errorOf(body: unknown): MtmtError {
  const { code = '', detail = '', errors } = body as Partial<TaggerProblem>;
  if (!Object.hasOwn(ERRORS, code)) return fail('TAGGER_UNAVAILABLE', { detail: 'it answers what is not understood' });
  return new MtmtError(code as ErrorCode, detail, errors === undefined ? {} : { errors });
}
