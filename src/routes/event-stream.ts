/** A run's events as server-sent events: stored rows first, then live ones, `end` last. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Static } from 'typebox';
import type { Event } from '../schemas/result.ts';
import type { EventFeed } from '../store/event-feed.ts';
import { listEvents, type EventRecord } from '../store/events.ts';
import { statusOfRun } from '../store/runs.ts';
import { TERMINAL } from '../store/statuses.ts';
import type { Store } from '../store/store.ts';

const HEARTBEAT_MS = 15_000;
const CHUNK = 200;

export interface EventStreamOptions {
  readonly store: Store;
  readonly events: EventFeed;
  readonly runId: string;
  /** Id of the last event that the client has. */
  readonly after: number;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  readonly heartbeatMs?: number;
}

/** Ends without `end` when the process is ending: clients come again then. */
export async function* eventStream({ store, events, runId, after, signal, heartbeatMs = HEARTBEAT_MS }: EventStreamOptions): AsyncGenerator<string> {
  yield ': these are the events of a run\n\n'; // so that the answer begins where there is no event yet
  let spokeAt = performance.now();
  for (let seen = after; !signal.aborted && !events.isClosed; ) {
    const left = Math.max(0, Math.ceil(spokeAt + heartbeatMs - performance.now()));
    // before the look, so that what comes during it is not slept over
    const news = events.wait(runId, AbortSignal.any([signal, AbortSignal.timeout(left)]));
    // the state before the rows: a run that has ended tells nothing more
    const status = await statusOfRun(store, runId);
    const rows = await listEvents(store, runId, { after: seen, limit: CHUNK });
    const last = rows.at(-1);
    if (last !== undefined) {
      yield rows.map(written).join('');
      seen = last.eventId;
      spokeAt = performance.now();
    }
    if (rows.length === CHUNK) continue;
    if (status === null || TERMINAL.includes(status)) {
      yield `event: end\ndata: ${JSON.stringify({ status: status ?? 'deleted' })}\n\n`;
      return;
    }
    await news;
    if (performance.now() - spokeAt < heartbeatMs) continue;
    yield ': still here\n\n';
    spokeAt = performance.now();
  }
}

export function sendEvents(reply: FastifyReply, stream: AsyncGenerator<string>): FastifyReply {
  // proxies would gather a stream before they send it on
  void reply.type('text/event-stream').header('cache-control', 'no-store').header('x-accel-buffering', 'no');
  return reply.send(Readable.from(stream));
}

export function presentEvent({ eventId, at, level, type, message, data }: EventRecord): Static<typeof Event> {
  return { eventId, at: at.toISOString(), level, type, message, data };
}

/** Where a client that comes again goes on; what is no id is the beginning. */
export function lastEventId(header: string | string[] | undefined, after: number): number {
  const id = Number(header ?? after);
  return Number.isSafeInteger(id) && id >= 0 ? id : 0;
}

function written(row: EventRecord): string {
  return `id: ${row.eventId}\nevent: ${row.type}\ndata: ${JSON.stringify(presentEvent(row))}\n\n`;
}
