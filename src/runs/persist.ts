/** Writes that must not be lost because Postgres was away for a minute. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { MtmtError } from '../errors.ts';

const RETRIES = 90;
const RETRY_MS = 2_000;

/** Tries again for three minutes; an error of ours is an answer and is thrown at once. */
export async function persist<T>(log: Logger, write: () => Promise<T>): Promise<T> {
  for (let retry = 0; ; retry++) {
    try {
      return await write();
    } catch (error) {
      if (retry === RETRIES || error instanceof MtmtError || error instanceof Superseded) throw error;
      log.warn({ err: error, retry }, 'a write about a run failed and is tried again');
      await wait(RETRY_MS);
    }
  }
}

/** The run has moved on: another attempt writes now, or nobody may. */
export class Superseded extends Error {}
