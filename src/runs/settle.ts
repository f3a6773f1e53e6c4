/** What becomes of a run whose trainer has ended: it has ended too, or it is in the queue again. */
import type { Logger } from 'pino';
import { moveRun, type RunRecord } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { Failure, Outcome } from './lifecycle.ts';
import { persist } from './persist.ts';

export interface Settling {
  readonly store: Store;
  readonly log: Logger;
  /** As it was when the attempt began. */
  readonly run: RunRecord;
  readonly attempt: number;
  readonly outcome: Outcome;
  /** Whether the worker is ending and has asked for the run back. */
  readonly isGivenBack: boolean;
}

interface Again {
  readonly reason: string;
  readonly level?: 'warn';
  readonly batchParts?: number;
}

const GIVEN_BACK: Again = { reason: 'its worker was stopped and gave it back' };

/** @returns why the run is in the queue again, or null where it is not */
export async function settle(o: Settling): Promise<string | null> {
  const { store, log, run, attempt, outcome, isGivenBack } = o;
  const { runId, maxAttempts } = run;
  if (outcome.status === 'succeeded') return null;
  const again = isGivenBack ? GIVEN_BACK : inParts(o);
  if (again !== null) {
    const { reason, level, batchParts = run.batchParts } = again;
    // neither is a loss: this attempt does not count
    const set = { maxAttempts: maxAttempts + 1, batchParts };
    if (await persist(log, () => moveRun(store, { runId, from: ['running'], to: 'queued', attempt, reason, set, level }))) return reason;
  }
  if (outcome.status !== 'superseded') await persist(log, () => end(o));
  return null;
}

/** Memory that ran out gets one more try: the same steps, each batch computed in halves. */
function inParts({ run: { batchParts, options }, attempt, outcome }: Settling): Again | null {
  if (outcome.status !== 'failed' || outcome.failure.code !== 'OUT_OF_MEMORY' || batchParts > 1) return null;
  const { batchPieces, accumulation } = options;
  const reason = `attempt ${attempt} ran out of memory: tried again with batches of ${Math.ceil(batchPieces / 2)} pieces instead of ${batchPieces} and accumulation of ${2 * accumulation} instead of ${accumulation}, which is the same step`;
  return { reason, level: 'warn', batchParts: 2 };
}

async function end({ store, run: { runId }, attempt, outcome }: Settling): Promise<void> {
  const cancelled = await moveRun(store, { runId, from: ['cancelling'], to: 'cancelled', attempt, reason: 'cancelled by request' });
  if (cancelled) return;
  const failure: Failure = outcome.status === 'failed' ? outcome.failure : { code: 'TRAINER_EXITED', detail: 'the training process stopped without being asked' };
  await moveRun(store, { runId, from: ['running'], to: 'failed', attempt, reason: failure.detail, failure });
}
