/** What becomes of a run whose trainer has ended: it has ended too, or it is in the queue again. */
import type { Logger } from 'pino';
import { moveRun, type Move, type RunRecord } from '../store/runs.ts';
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

interface Again extends Required<Pick<Move, 'set'>> {
  readonly reason: string;
  readonly level?: 'warn';
}

/** @returns why the run is in the queue again, or null where it is not */
export async function settle(o: Settling): Promise<string | null> {
  const { store, log, run, attempt, outcome, isGivenBack } = o;
  const { runId } = run;
  if (outcome.status === 'succeeded') return null;
  const again = isGivenBack ? givenBack(o) : (inParts(o) ?? afterKill(o));
  if (again !== null && (await persist(log, () => moveRun(store, { runId, from: ['running'], to: 'queued', attempt, ...again })))) return again.reason;
  if (outcome.status !== 'superseded') await persist(log, () => end(o));
  return null;
}

/** No loss: this attempt does not count. */
function givenBack({ run: { maxAttempts } }: Settling): Again {
  return { reason: 'its worker was stopped and gave it back', set: { maxAttempts: maxAttempts + 1 } };
}

/** Memory that ran out gets one more try, which does not count either: the same steps, each batch computed in halves. */
function inParts({ run: { batchParts, maxAttempts, options }, attempt, outcome }: Settling): Again | null {
  if (outcome.status !== 'failed' || outcome.failure.code !== 'OUT_OF_MEMORY' || batchParts > 1) return null;
  return { reason: `attempt ${attempt} ran out of memory: ${inHalves(options)}`, level: 'warn', set: { maxAttempts: maxAttempts + 1, batchParts: 2 } };
}

/** As after a lost worker. Who sent a SIGKILL is not known: one may be a person's, and by the second it is taken for the kernel's, for memory. */
function afterKill({ run: { batchParts, maxAttempts, options, ...run }, attempt, outcome }: Settling): Again | null {
  if (outcome.status !== 'killed' || attempt >= maxAttempts) return null;
  const reason = `attempt ${attempt}: ${outcome.failure.detail}`;
  const kills = run.kills + (outcome.signal === 'SIGKILL' ? 1 : 0);
  const isHalved = outcome.signal === 'SIGKILL' && kills > 1 && batchParts === 1;
  return { reason: isHalved ? `${reason}, the second time: ${inHalves(options)}` : reason, level: 'warn', set: { kills, ...(isHalved && { batchParts: 2 }) } };
}

function inHalves({ batchPieces, accumulation }: RunRecord['options']): string {
  return `tried again with batches of ${Math.ceil(batchPieces / 2)} pieces instead of ${batchPieces} and accumulation of ${2 * accumulation} instead of ${accumulation}, which is the same step`;
}

async function end({ store, run: { runId }, attempt, outcome }: Settling): Promise<void> {
  const cancelled = await moveRun(store, { runId, from: ['cancelling'], to: 'cancelled', attempt, reason: 'cancelled by request' });
  if (cancelled) return;
  const failure: Failure = 'failure' in outcome ? outcome.failure : { code: 'TRAINER_EXITED', detail: 'the training process stopped without being asked' };
  await moveRun(store, { runId, from: ['running'], to: 'failed', attempt, reason: failure.detail, failure });
}
