/** One request to /ner, asked again while the service is busy or away. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NerRequest, NerResult } from '../../schemas/ner.ts';
import { ApiProblem, ApiUnreachable, type ApiClient } from '../client/api.ts';
import { CommandFailure } from '../client/failure.ts';
import type { Source } from './records.ts';

/** A service that is started anew, or a tagger that loads a model, is back within it. */
const PATIENCE_MS = 300_000;
const RETRY_MS = 1_000;

export interface AskOptions {
  readonly client: ApiClient;
  readonly request: Omit<NerRequest, 'text' | 'texts' | 'tokens'>;
  /** Of the file, for messages. */
  readonly name: string;
  readonly signal: AbortSignal;
  readonly onWarning: (warning: string) => void;
}

/** @returns a result for each. @throws CommandFailure naming the line that the service refuses */
export async function ask(batch: readonly Source[], { client, request, name, signal, onWarning }: AskOptions): Promise<readonly NerResult[]> {
  const body = batch.every(({ text }) => text !== undefined) ? { texts: batch.map(({ text = '' }) => text) } : { tokens: batch.map(({ tokens = [] }) => [...tokens]) };
  for (const deadline = performance.now() + PATIENCE_MS; ; ) {
    try {
      const { results, warnings } = await client.tag({ ...request, ...body });
      warnings.forEach(onWarning);
      return results;
    } catch (error) {
      signal.throwIfAborted();
      const waitMs = waitOf(error);
      if (waitMs === null || performance.now() + waitMs > deadline) throw placed(error, batch, name);
      await sleep(waitMs, undefined, { signal });
    }
  }
}

/** Null where asking again helps nothing. */
function waitOf(error: unknown): number | null {
  if (error instanceof ApiUnreachable) return RETRY_MS;
  return error instanceof ApiProblem && error.problem.status === 503 ? (error.retryAfterMs ?? RETRY_MS) : null;
}

function placed(error: unknown, batch: readonly Source[], name: string): unknown {
  const place = error instanceof ApiProblem ? error.problem.errors?.[0] : undefined;
  const index = /^\/(?:texts|tokens)\/(\d+)/.exec(place?.pointer ?? '')?.[1];
  const source = index === undefined ? undefined : batch[Number(index)];
  return source === undefined ? error : new CommandFailure(`${name}, line ${source.line}: ${place?.detail ?? ''}`, { cause: error });
}
