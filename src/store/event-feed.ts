/** Wakes event streams when a run tells something: one LISTEN connection a process, whatever the number of streams. */
import { EventEmitter, once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

const RECONNECT_MS = 1_000;

export interface EventFeed {
  /** Resolves when the run may have news, after a time, when the signal is aborted, or when the feed is closed. */
  wait(runId: string, o: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<void>;
  /** True once the process is ending: streams end, too. */
  readonly isClosed: boolean;
  close(): Promise<void>;
}

export function openEventFeed({ databaseUrl, channel, onError }: { databaseUrl: string; channel: string; onError: (error: unknown) => void }): EventFeed {
  const emitter = new EventEmitter().setMaxListeners(0);
  const closing = new AbortController();
  let client: pg.Client | null = null;
  const wakeAll = (): void => emitter.eventNames().forEach((runId) => emitter.emit(runId));

  async function listen(): Promise<void> {
    while (!closing.signal.aborted) {
      client = new pg.Client({ connectionString: databaseUrl, application_name: 'mtmt-events', keepAlive: true });
      const lost = once(client, 'end').catch(onError);
      client.on('error', onError);
      client.on('notification', ({ payload }) => emitter.emit(payload ?? ''));
      try {
        await client.connect();
        await client.query(`listen ${channel}`);
        // what was told before, nobody has heard
        wakeAll();
        await lost;
      } catch (error) {
        onError(error);
      }
      await pause(RECONNECT_MS, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }
  const listening = listen();

  return {
    get isClosed() {
      return closing.signal.aborted;
    },
    // not by AbortSignal.any: one that lives as long as the process would remember each wait
    wait(runId, { timeoutMs, signal }) {
      return new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          emitter.off(runId, wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, timeoutMs);
        emitter.on(runId, wake);
        signal.addEventListener('abort', wake);
        if (signal.aborted || closing.signal.aborted) wake();
      });
    },
    async close() {
      closing.abort();
      wakeAll();
      await client?.end().catch(() => undefined);
      await listening;
    },
  };
}
