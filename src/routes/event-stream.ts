/** A run's events as server-sent events: stored rows first, then live ones, `end` last. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import type { Event } from '../schemas/result.ts';
import { listEvents, type EventRecord } from '../store/events.ts';
import { findRun } from '../store/runs.ts';

const HEARTBEAT_MS = 15_000;
const CHUNK = 200;

export function presentEvent({ eventId, at, level, type, message, data }: EventRecord): Static<typeof Event> {
  return { eventId, at: at.toISOString(), level, type, message, data };
}

export async function streamEvents(request: FastifyRequest, reply: FastifyReply, { runId, after }: { runId: string; after: number }): Promise<FastifyReply> {
  const { store, events } = request.server.dependencies;
  const lastId = Number(request.headers['last-event-id'] ?? after);
  const leaving = new AbortController();
  request.raw.once('close', () => leaving.abort());
  const closing = (): boolean => leaving.signal.aborted || events.isClosed;
  reply.hijack();
  const out = reply.raw;
  out.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-request-id': request.id });
  const heartbeat = setInterval(() => out.write(': still here\n\n'), HEARTBEAT_MS);
  try {
    for (let seen = Number.isSafeInteger(lastId) ? lastId : 0; !closing(); ) {
      // the state is read before the rows: a run that has ended tells nothing more
      const run = await findRun(store, runId);
      const rows = await listEvents(store, runId, { after: seen, limit: CHUNK });
      for (const row of rows) {
        out.write(`id: ${row.eventId}\nevent: ${row.type}\ndata: ${JSON.stringify(presentEvent(row))}\n\n`);
        seen = row.eventId;
      }
      if (rows.length === CHUNK) continue;
      if (run === null || ['succeeded', 'failed', 'cancelled'].includes(run.status)) {
        out.write(`event: end\ndata: ${JSON.stringify({ status: run?.status ?? 'deleted' })}\n\n`);
        break;
      }
      await events.wait(runId, leaving.signal);
    }
  } catch (error) {
    request.log.warn({ err: error, runId }, 'event stream broke');
  } finally {
    clearInterval(heartbeat);
    out.end();
  }
  return reply;
}
