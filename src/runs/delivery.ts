/**
 * Delivers runs to workers through pg-boss. A job carries only a run's id: the run row is the record, and a job that
 * comes twice, late or for a run that has ended does no harm.
 */
import { fromPrisma, PgBoss, type Job, type PrismaTransactionLike } from 'pg-boss';

const QUEUE = 'runs';
const SCHEMA = 'pgboss';
/** pg-boss's longest. A run may take longer: then its job comes again, and the worker that holds the run is left alone. */
const EXPIRE_SECONDS = 24 * 60 * 60;
/** Deliveries, not attempts: `maxAttempts` of the run counts those. */
const RETRY_LIMIT = 1000;
const RETRY_DELAY_SECONDS = 2;

export interface DeliveryOptions {
  readonly databaseUrl: string;
  /** How often a worker says that it lives; it is given up after three times that, 45 s at most. */
  readonly heartbeatSeconds: number;
  /** How often lost workers are looked for. Default: 10. */
  readonly monitorSeconds?: number;
  /** Errors of the queue that no call of ours gets to see. */
  readonly onError: (error: unknown) => void;
}

export interface Delivery {
  /** Sends the job within the caller's transaction; a run with an undelivered job gets no second one. */
  enqueue(transaction: PrismaTransactionLike, run: { runId: string; priority: number }): Promise<void>;
  /** Calls `handle` for each job, at most `slots` at once; the job comes again if it rejects or this process dies. */
  work(slots: number, handle: (runId: string) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** @param role 'sender' holds two connections and does no maintenance */
export async function openDelivery(role: 'sender' | 'worker', o: DeliveryOptions): Promise<Delivery> {
  const isWorker = role === 'worker';
  const monitorSeconds = o.monitorSeconds ?? 10;
  const boss = new PgBoss({
    connectionString: o.databaseUrl,
    schema: SCHEMA,
    application_name: `mtmt-${role}`,
    max: isWorker ? 4 : 2,
    supervise: isWorker,
    schedule: false,
    superviseIntervalSeconds: monitorSeconds,
    monitorIntervalSeconds: monitorSeconds,
  });
  boss.on('error', o.onError);
  await boss.start();
  // pg-boss allows none below 10 s. With the monitor's interval a lost worker is noticed within a minute.
  const heartbeatSeconds = Math.min(45, Math.max(10, 3 * o.heartbeatSeconds));
  const options = { retryLimit: RETRY_LIMIT, retryDelay: RETRY_DELAY_SECONDS, expireInSeconds: EXPIRE_SECONDS, heartbeatSeconds };
  await boss.createQueue(QUEUE, { policy: 'exclusive', ...options });
  await boss.updateQueue(QUEUE, options);
  return {
    async enqueue(transaction, { runId, priority }) {
      await boss.send(QUEUE, { runId }, { singletonKey: runId, priority, db: fromPrisma(transaction) });
    },
    async work(slots, handle) {
      const settings = { localConcurrency: slots, pollingIntervalSeconds: 1, heartbeatRefreshSeconds: Math.min(o.heartbeatSeconds, heartbeatSeconds / 2) };
      await boss.work(QUEUE, settings, async ([job]: Job<{ runId: string }>[]) => {
        if (job !== undefined) await handle(job.data.runId);
      });
    },
    // The handlers have ended by then; a job that is still held comes again by its missing heartbeat.
    stop: () => boss.stop({ graceful: true, timeout: 5_000 }),
  };
}
