/** One request to /ner, asked again while the service is busy or away. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { NerRequest, NerResult } from '../../schemas/ner.ts';
import { ApiForeign, ApiProblem, ApiUnreachable, type ApiClient } from '../client/api.ts';
import { CommandFailure } from '../client/failure.ts';
import type { Patience } from './patience.ts';
import type { Fault, Source } from './source.ts';
import { refusalOf } from './refusal.ts';

const RETRY_MS = 1_000;
/** Of a proxy before a service that is away. */
const AWAY = [502, 503, 504];
const TOO_MANY_REQUESTS = 429;

export interface AskOptions {
  readonly client: Pick<ApiClient, 'tag'>;
  readonly request: Omit<NerRequest, 'text' | 'texts' | 'tokens'>;
  readonly patience: Patience;
  readonly signal: AbortSignal;
  readonly onWarning: (warning: string) => void;
}

export type Answer = { readonly result: NerResult } | { readonly fault: Fault };

/** @param batch of texts alone or of tokens alone, and of what could not be read. @returns an answer for each @throws CommandFailure where the service refuses more than a text, or is away */
export async function ask(batch: readonly Source[], o: AskOptions): Promise<readonly Answer[]> {
  const readable = batch.filter(({ fault }) => fault === undefined);
  const answers = await askReadable(readable, o);
  const rest = answers.values();
  return batch.flatMap(({ fault }) => (fault === undefined ? (rest.next().value ?? []) : { fault }));
}

async function askReadable(batch: readonly Source[], o: AskOptions): Promise<readonly Answer[]> {
  if (batch.length === 0) return [];
  try {
    return (await resultsOf(batch, o)).map((result) => ({ result }));
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    const { fault, faults } = refusal;
    if (faults.size === 0) {
      if (batch.length === 1) return [{ fault }];
      const middle = Math.ceil(batch.length / 2);
      return [...(await askReadable(batch.slice(0, middle), o)), ...(await askReadable(batch.slice(middle), o))];
    }
    return ask(
      batch.map((source, index) => {
        const found = faults.get(index);
        return found === undefined ? source : { ...source, fault: found };
      }),
      o,
    );
  }
}

async function resultsOf(batch: readonly Source[], { client, request, patience, signal, onWarning }: AskOptions): Promise<readonly NerResult[]> {
  const body = batch.every(({ text }) => text !== undefined) ? { texts: batch.map(({ text = '' }) => text) } : { tokens: batch.map(({ tokens = [] }) => [...tokens]) };
  for (;;) {
    try {
      const { results, warnings } = await client.tag({ ...request, ...body });
      if (results.length !== batch.length) throw new CommandFailure(`The service answered ${results.length} results to ${batch.length} texts`);
      patience.heard();
      warnings.forEach(onWarning);
      return results;
    } catch (error) {
      signal.throwIfAborted();
      if (isBusy(error)) patience.heard();
      else if (!isAway(error) || patience.isOver(retryAfterOf(error))) throw error;
      await sleep(retryAfterOf(error), undefined, { signal });
    }
  }
}

/** The service is there, and says when to come again. */
function isBusy(error: unknown): boolean {
  if (error instanceof ApiForeign) return error.status === TOO_MANY_REQUESTS;
  return error instanceof ApiProblem && (error.problem.code === 'OVERLOADED' || error.problem.status === TOO_MANY_REQUESTS);
}

function isAway(error: unknown): boolean {
  if (error instanceof ApiForeign) return AWAY.includes(error.status);
  return error instanceof ApiUnreachable || (error instanceof ApiProblem && error.problem.status === 503);
}

function retryAfterOf(error: unknown): number {
  return (error instanceof ApiProblem ? error.retryAfterMs : null) ?? RETRY_MS;
}
