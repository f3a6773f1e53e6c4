/** Wakes event streams when a run tells something: one LISTEN connection a process, whatever the number of streams. */
import { EventEmitter, once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';

/** Streams look again after this time, in case a notification was lost with its connection. */
const POLL_MS = 2_000;
const RECONNECT_MS = 1_000;

export interface EventFeed {
  /** Resolves when the run may have news, after a while, or when the signal is aborted. */
  wait(runId: string, signal: AbortSignal): Promise<void>;
  /** True once the process is ending: streams end, too. */
  readonly isClosed: boolean;
  close(): Promise<void>;
}

export function openEventFeed({ databaseUrl, channel, onError }: { databaseUrl: string; channel: string; onError: (error: unknown) => void }): EventFeed {
  const emitter = new EventEmitter().setMaxListeners(0);
  const closing = new AbortController();
  let client: pg.Client | null = null;

  async function listen(): Promise<void> {
    while (!closing.signal.aborted) {
      client = new pg.Client({ connectionString: databaseUrl, application_name: 'mtmt-events' });
      const lost = once(client, 'end').catch(onError);
      client.on('error', onError);
      client.on('notification', ({ payload }) => emitter.emit(payload ?? ''));
      try {
        await client.connect();
        await client.query(`listen ${channel}`);
        await lost;
      } catch (error) {
        onError(error);
      }
      await setTimeout(RECONNECT_MS, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }
  const listening = listen();

  return {
    get isClosed() {
      return closing.signal.aborted;
    },
    async wait(runId, signal) {
      const either = AbortSignal.any([signal, closing.signal, AbortSignal.timeout(POLL_MS)]);
      await once(emitter, runId, { signal: either }).catch(() => undefined);
    },
    async close() {
      closing.abort();
      await client?.end().catch(() => undefined);
      await listening;
    },
  };
}
