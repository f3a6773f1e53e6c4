/** Which workers and taggers live: each writes its row again and again. Times are the database's. */
import type { Store } from './store.ts';

export interface ProcessRecord {
  readonly processId: string;
  readonly role: string;
  readonly host: string;
  readonly device: string;
  readonly detail: Record<string, unknown>;
  readonly seenAt: Date;
}

const DEAD_AFTER_SECONDS = 60;

/** Rows of the long dead go on the way. */
export async function seen(store: Store, { processId, role, host, device, detail = {} }: { processId: string; role: 'worker' | 'tagger'; host: string; device: string; detail?: object }): Promise<void> {
  const json = JSON.stringify(detail);
  await store.$executeRaw`
    insert into "Process" ("processId", role, host, device, detail, "seenAt") values (${processId}, ${role}, ${host}, ${device}, ${json}::jsonb, now())
    on conflict ("processId") do update set device = excluded.device, detail = excluded.detail, "seenAt" = now()`;
  await store.$executeRaw`delete from "Process" where "seenAt" < now() - interval '1 day'`;
}

/** Freshest first. */
export async function liveProcesses(store: Store, role: 'worker' | 'tagger', { maxAgeSeconds = DEAD_AFTER_SECONDS }: { maxAgeSeconds?: number } = {}): Promise<ProcessRecord[]> {
  return store.$queryRaw<ProcessRecord[]>`
    select "processId", role, host, device, detail, "seenAt" from "Process"
    where role = ${role} and "seenAt" > now() - make_interval(secs => ${maxAgeSeconds}) order by "seenAt" desc`;
}

/** Whether a process may still be at work: while the database was away nobody could be seen, so that time does not count against it. */
export async function mayLive(store: Store, processId: string, { maxAgeSeconds }: { maxAgeSeconds: number }): Promise<boolean> {
  const rows = await store.$queryRaw<unknown[]>`
    select 1 from "Process" where "processId" = ${processId}
      and greatest("seenAt", pg_postmaster_start_time()) > now() - make_interval(secs => ${maxAgeSeconds})`;
  return rows.length > 0;
}

/** On a graceful end. */
export async function gone(store: Store, processId: string): Promise<void> {
  await store.process.deleteMany({ where: { processId } });
}
