/** Reads what streams of events send: what many of them ask at the same moment is asked of Postgres once. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { listEvents, type EventRecord } from './events.ts';
import { statusOfRun, type RunStatus } from './runs.ts';
import type { Store } from './store.ts';

/** Rows at a time. */
export const CHUNK = 200;

export interface EventPage {
  /** Null: the run was deleted. */
  readonly status: RunStatus | null;
  /** In order, at most `CHUNK`. */
  readonly rows: readonly EventRecord[];
}

export interface EventReader {
  /** The run's state, and its events after an id. */
  read(runId: string, after: number): Promise<EventPage>;
}

export function createEventReader(store: Store): EventReader {
  const asked = new Map<string, Promise<EventPage>>();
  return {
    read(runId, after) {
      const key = `${runId} ${after}`;
      let page = asked.get(key);
      if (page === undefined) {
        // In the next turn all that one notification woke have asked. Nobody joins a query that is under way: what came since would be missed.
        page = nextTurn().then(() => {
          asked.delete(key);
          return readPage(store, runId, after);
        });
        asked.set(key, page);
      }
      return page;
    },
  };
}

async function readPage(store: Store, runId: string, after: number): Promise<EventPage> {
  // the state before the rows: a run that has ended tells nothing more
  const status = await statusOfRun(store, runId);
  return { status, rows: await listEvents(store, runId, { after, limit: CHUNK }) };
}
