/** A worker: takes runs from delivery, one at a time for each device, and has each trained in a child process. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { gone, mayLive, seen } from '../store/processes.ts';
import { beginAttempt, findRun, listRunsByStatus, moveRun, type RunRecord } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { Delivery } from './delivery.ts';
import { wakeStudent, wakeStudents } from './dependents.ts';
import { persist } from './persist.ts';
import { settle } from './settle.ts';
import { startTrainer, type Trainer, type TrainerOptions, type TrainerTask } from './supervise.ts';

export interface WorkerOptions {
  readonly store: Store;
  readonly delivery: Delivery;
  readonly log: Logger;
  /** One run at a time on each. */
  readonly devices: readonly TrainerTask['device'][];
  readonly trainer: TrainerOptions;
  readonly heartbeatSeconds: number;
  /** From the request to cancel until SIGKILL. Default: 30 s. */
  readonly graceMs?: number;
  /** How often the run's row is looked at for a cancellation. Default: 1 s. */
  readonly pollMs?: number;
  /** How often rows without a job, and students whose teachers have ended unseen, are looked for. Default: 10 s. */
  readonly sweepMs?: number;
}

export interface Worker {
  readonly processId: string;
  /** Gives its runs back to the queue, each with a resume point, and ends. */
  stop(): Promise<void>;
}

/** The delivery fails and comes again: somebody else has the run, or this worker is ending. */
class NotNow extends Error {}

interface Held {
  readonly trainer: Trainer;
  isGivenBack: boolean;
}

/** For the step at hand and a resume point; `STOP_MS` of the process and what stops that one must be longer. */
const GIVE_BACK_GRACE_MS = 15_000;

export async function startWorker(o: WorkerOptions): Promise<Worker> {
  const { store, delivery, log } = o;
  const { graceMs = 30_000, pollMs = 1_000, sweepMs = 10_000 } = o;
  const processId = `worker_${randomUUID()}`;
  const free = [...o.devices];
  const held = new Map<string, Held>();
  /** Runs whose deliveries are at hand: what these rows say is theirs to put right. */
  const claimed = new Set<string>();
  const handling = new Set<Promise<void>>();
  let isStopping = false;

  const announce = (): Promise<void> =>
    seen(store, { processId, role: 'worker', host: hostname(), device: o.devices.join(','), detail: { runs: [...held.keys()] } });

  // one that fails is tried again soon: after two that are missing this worker is taken for dead
  const announceAgain = (): Promise<void> => (isStopping ? Promise.resolve() : announce());

  /** A worker is dead when it has missed two of its own announcements; pg-boss waits for three of a job's heartbeats. */
  async function isHeldElsewhere(worker: string | null): Promise<boolean> {
    if (worker === null || worker === processId) return false;
    return mayLive(store, worker, { maxAgeSeconds: 2 * o.heartbeatSeconds });
  }

  async function handle(runId: string): Promise<void> {
    if (isStopping) throw new NotNow('this worker is ending');
    if (claimed.has(runId)) throw new NotNow(`run ${runId} is being trained here`);
    claimed.add(runId);
    try {
      await take(runId);
    } finally {
      claimed.delete(runId);
    }
  }

  async function take(runId: string): Promise<void> {
    const run = await findRun(store, runId);
    if (run === null) return;
    if (run.status === 'running' || run.status === 'cancelling') {
      if (await isHeldElsewhere(run.worker)) throw new NotNow(`run ${runId} is held by ${run.worker}`);
      if (run.status === 'cancelling') {
        const reason = 'its worker was lost while it was being cancelled';
        await moveRun(store, { runId, from: ['cancelling'], to: 'cancelled', attempt: run.attempt, reason });
        return wakeStudents(store, delivery, runId);
      }
      await requeueLost(run);
    } else if (run.status !== 'queued') return;
    const device = free.shift();
    if (device === undefined) throw new NotNow('no device is free');
    try {
      const begun = await beginAttempt(store, { runId, worker: processId, device: String(device) });
      if (begun === null) {
        await wakeStudents(store, delivery, runId);
        return;
      }
      log.info({ runId, attempt: begun.attempt, device }, 'run started');
      await train({ runId, attempt: begun.attempt, device }, run);
    } finally {
      free.push(device);
    }
  }

  /** What a lost worker held is in the queue again, and says so, even while no device is free. */
  async function requeueLost({ runId, worker, attempt }: RunRecord): Promise<void> {
    await moveRun(store, { runId, from: ['running'], to: 'queued', attempt, level: 'warn', reason: `attempt ${attempt}: the worker ${worker ?? ''} was lost` });
  }

  async function train(task: TrainerTask, run: RunRecord): Promise<void> {
    const { runId, attempt } = task;
    const trainer = startTrainer(o.trainer, task);
    const entry: Held = { trainer, isGivenBack: false };
    held.set(runId, entry);
    const watching = new AbortController();
    try {
      const watched = watch(task, trainer, watching.signal);
      const outcome = await trainer.ended;
      watching.abort();
      await watched;
      const queuedFor = await settle({ store, log, run, attempt, outcome, isGivenBack: entry.isGivenBack });
      if (queuedFor !== null) throw new NotNow(queuedFor);
      log.info({ runId, attempt, outcome }, 'run ended');
      await persist(log, () => wakeStudents(store, delivery, runId));
    } finally {
      held.delete(runId);
    }
  }

  /** Notices, by the row, that the run is to be cancelled or that another attempt has it. */
  async function watch({ runId, attempt }: TrainerTask, trainer: Trainer, signal: AbortSignal): Promise<void> {
    let cancelledAt: number | undefined;
    const goesOn = (): Promise<boolean> => wait(pollMs, true, { signal }).catch(() => false);
    while (await goesOn()) {
      // Postgres may be gone for a while: the trainer keeps its work and goes on.
      const run = await findRun(store, runId).catch((error: unknown) => {
        log.warn({ runId, err: error }, 'the run cannot be read');
        return undefined;
      });
      if (run === undefined) continue;
      if (run === null || run.attempt !== attempt || (run.status !== 'running' && run.status !== 'cancelling')) {
        // A run that has just succeeded is the trainer's own doing; it is about to end.
        if (run?.attempt !== attempt || run.status !== 'succeeded') trainer.kill();
        continue;
      }
      if (run.status !== 'cancelling') continue;
      if (cancelledAt === undefined) {
        cancelledAt = performance.now();
        trainer.cancel();
      } else if (performance.now() - cancelledAt > graceMs) trainer.kill();
    }
  }

  /** The rows are the record: what they say and no job does is put right here. */
  async function sweep(): Promise<void> {
    for (const { runId } of await listRunsByStatus(store, ['waiting'])) await wakeStudent(store, delivery, runId);
    for (const run of await listRunsByStatus(store, ['queued', 'running', 'cancelling'])) {
      if (run.status !== 'queued' && (claimed.has(run.runId) || (await isHeldElsewhere(run.worker)))) continue;
      // one of this worker's own has begun without its knowing: the answer was lost
      if (run.status === 'running') await requeueLost(run);
      await delivery.enqueue(store, run);
    }
  }

  /** Left out while the one before goes on. */
  function repeat(what: string, everyMs: number, work: () => Promise<void>): NodeJS.Timeout {
    let isGoingOn = false;
    const once = async (): Promise<void> => {
      if (isGoingOn) return;
      isGoingOn = true;
      await work().catch((error: unknown) => log.warn({ err: error }, `${what} failed`));
      isGoingOn = false;
    };
    return setInterval(() => void once(), everyMs);
  }

  await announce();
  await sweep();
  const timers = [repeat('announcing', o.heartbeatSeconds * 1_000, () => persist(log, announceAgain)), repeat('sweeping', sweepMs, sweep)];
  await delivery.work(o.devices.length, async (runId) => {
    const work = handle(runId).catch((error: unknown) => {
      if (!(error instanceof NotNow)) log.error({ runId, err: error }, 'a delivery failed and will come again');
      throw error;
    });
    handling.add(work);
    await work.finally(() => handling.delete(work));
  });

  return {
    processId,
    async stop() {
      isStopping = true;
      for (const timer of timers) clearInterval(timer);
      for (const entry of held.values()) {
        entry.isGivenBack = true;
        entry.trainer.giveBack();
      }
      const killing = setTimeout(() => held.forEach(({ trainer }) => trainer.kill()), GIVE_BACK_GRACE_MS);
      await Promise.allSettled(handling);
      clearTimeout(killing);
      await delivery.stop();
      await gone(store, processId);
    },
  };
}
