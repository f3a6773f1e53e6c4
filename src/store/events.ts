/** What runs tell. A trigger notifies the channel `mtmt_events` with the run's id at every insert. */
import { fail } from '../errors.ts';
import type { Event } from './generated/client.ts';
import { toJson, type Store, type StoreOrTransaction } from './store.ts';

export const EVENT_CHANNEL = 'mtmt_events';

export interface NewEvent {
  readonly runId: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly type: 'progress' | 'transition' | 'phase' | 'metric' | 'checkpoint' | 'score' | 'estimate' | 'resume' | 'warning' | 'failure';
  readonly message: string;
  readonly data?: object | undefined;
}
export interface EventRecord extends Omit<Event, 'eventId' | 'data' | 'runId'> {
  readonly eventId: number;
  readonly runId: string;
  readonly data: Record<string, unknown>;
}

export async function addEvent(store: StoreOrTransaction, { runId, level, type, message, data = {} }: NewEvent): Promise<void> {
  await store.event.create({ data: { runId, level, type, message, data: toJson(data) } });
}

/** In order, after an id (0: from the first); what comes later has a greater id, see migration 003. @throws CURSOR_INVALID */
export async function listEvents(store: Store, runId: string, { after = 0, limit }: { after?: number; limit: number }): Promise<EventRecord[]> {
  if (!Number.isSafeInteger(after)) throw fail('CURSOR_INVALID', { cursor: String(after) });
  const rows = await store.event.findMany({ where: { runId, eventId: { gt: BigInt(after) } }, orderBy: { eventId: 'asc' }, take: limit });
  return rows.map(({ eventId, data, ...row }) => ({ ...row, eventId: Number(eventId), data: data as Record<string, unknown> }));
}
