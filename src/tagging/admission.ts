/** How much may wait. What is beyond is refused at once, with the time after which there will be room: a queue without an end serves nobody. */
import { fail } from '../errors.ts';
import { BATCH_PIECES } from './batcher.ts';

/** Some five minutes on two cores; of more requests than that the last would only wait until their clients give up. */
export const MAX_WAITING_PIECES = 1_000_000;
/** Of the requests that may wait, those of one client: another one always finds room. */
const SHARE_OF_CLIENT = 0.75;
const MAX_RETRY_AFTER_SECONDS = 60;

export interface Admission {
  /** @returns what ends the stay @throws OVERLOADED */
  enter(client: string | undefined): () => void;
  /** For pieces that come on top of those that wait. One batch is always let in, and any request where none waits. @throws OVERLOADED */
  assertRoom(pieces: number): void;
  /** Requests that have entered. */
  count(): number;
}

export interface AdmissionOptions {
  /** Requests at work or waiting, at most. */
  readonly limit: number;
  readonly maxPieces?: number | undefined;
  readonly waiting: () => { pieces: number; seconds: number };
}

export function admission({ limit, maxPieces = MAX_WAITING_PIECES, waiting }: AdmissionOptions): Admission {
  const limitOfClient = Math.ceil(limit * SHARE_OF_CLIENT);
  const byClient = new Map<string, number>();
  let active = 0;

  function refuse(): never {
    const { pieces, seconds } = waiting();
    const retryAfterSeconds = Math.min(MAX_RETRY_AFTER_SECONDS, Math.max(1, Math.ceil(seconds)));
    throw fail('OVERLOADED', { requests: active, pieces, retryAfterSeconds }, { retryAfterSeconds });
  }

  function add(client: string | undefined, change: 1 | -1): void {
    active += change;
    if (client === undefined) return;
    const count = (byClient.get(client) ?? 0) + change;
    if (count === 0) byClient.delete(client);
    else byClient.set(client, count);
  }

  return {
    enter(client) {
      if (active >= limit || (client !== undefined && (byClient.get(client) ?? 0) >= limitOfClient)) refuse();
      add(client, 1);
      return () => add(client, -1);
    },
    assertRoom(pieces) {
      const before = waiting().pieces;
      if (before > 0 && pieces > BATCH_PIECES && before + pieces > maxPieces) refuse();
    },
    count: () => active,
  };
}
