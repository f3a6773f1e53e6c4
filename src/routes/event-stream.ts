/** A run's events as server-sent events: stored rows first, then live ones, `end` last. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Static } from 'typebox';
import type { Event } from '../schemas/result.ts';
import type { EventFeed } from '../store/event-feed.ts';
import { CHUNK, type EventReader } from '../store/event-reader.ts';
import type { EventRecord } from '../store/events.ts';
import { TERMINAL } from '../store/statuses.ts';

/** Streams also look for what they were not woken for. */
const HEARTBEAT_MS = 15_000;

export interface EventStreamOptions {
  readonly reader: EventReader;
  readonly events: EventFeed;
  readonly runId: string;
  /** Id of the last event that the client has. */
  readonly after: number;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  readonly heartbeatMs?: number;
}

/** Ends without `end` when the process is ending: clients come again then. */
export async function* eventStream({ reader, events, runId, after, signal, heartbeatMs = HEARTBEAT_MS }: EventStreamOptions): AsyncGenerator<string> {
  yield ': these are the events of a run\n\n'; // so that the answer begins where there is no event yet
  let spokeAt = performance.now();
  for (let seen = after; !signal.aborted && !events.isClosed; ) {
    const left = Math.max(0, Math.ceil(spokeAt + heartbeatMs - performance.now()));
    // before the look, so that what comes during it is not slept over
    const news = events.wait(runId, { timeoutMs: left, signal });
    const { status, rows } = await reader.read(runId, seen);
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
