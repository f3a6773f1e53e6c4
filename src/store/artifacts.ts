/** Which rows need which artifacts, and which checkpoints nobody needs any more. */
import { Prisma } from './generated/client.ts';
import type { Store } from './store.ts';

export interface ReferencedArtifact {
  readonly key: string;
  /** Table and id of a row. */
  readonly row: string;
  readonly digest: string;
  /** Null where the row does not say it: of a dataset it has the bytes as uploaded. */
  readonly sizeBytes: number | null;
}

const LIVE_RUN = Prisma.sql`r.status in ('waiting', 'queued', 'running', 'cancelling')`;

/**
 * By table: what a storage key in it names is kept, and anything else in artifact storage is garbage. Every table with a column of that name has
 * its line here; a test compares them. What is deleted counts as long as a live run reads it.
 */
export const REFERENCES: Readonly<Record<string, Prisma.Sql>> = {
  Dataset: Prisma.sql`
    select d."storageKey" as key, 'Dataset ' || d."datasetId" as row, d.digest, null::float8 as "sizeBytes" from "Dataset" d
    where d."deletedAt" is null or exists (select 1 from "RunDataset" rd join "Run" r using ("runId") where rd."datasetId" = d."datasetId" and ${LIVE_RUN})`,
  Checkpoint: Prisma.sql`
    select c."storageKey" as key, 'Checkpoint ' || c."checkpointId" as row, c.digest, c."sizeBytes"::float8 as "sizeBytes" from "Checkpoint" c join "Run" own using ("runId")
    where own."deletedAt" is null or exists (select 1 from "RunTeacher" rt join "Run" r using ("runId") where rt."teacherRunId" = c."runId" and ${LIVE_RUN})
    union all
    select c."storageKey", 'manifest of Checkpoint ' || c."checkpointId", c.manifest->>'weightsDigest', null from "Checkpoint" c join "Run" own using ("runId")
    where own."deletedAt" is null and c.manifest ? 'weightsDigest'`,
  ResumePoint: Prisma.sql`
    select part.key, 'ResumePoint ' || p."runId" as row, part.digest, null::float8 as "sizeBytes"
    from "ResumePoint" p, unnest(p."storageKeys", p.digests) as part (key, digest)`,
};

const ALL = Prisma.join(Object.values(REFERENCES), ' union all ');

/** In order of key; where several rows need the same, each of them. */
export async function referencedArtifacts(store: Store): Promise<ReferencedArtifact[]> {
  return store.$queryRaw<ReferencedArtifact[]>`select * from (${ALL}) as needed order by key, row`;
}

export async function isReferenced(store: Store, key: string): Promise<boolean> {
  const rows = await store.$queryRaw<unknown[]>`select 1 from (${ALL}) as needed where key = ${key} limit 1`;
  return rows.length > 0;
}

/**
 * A run keeps what each of its protocols chose, and the last step. An attempt that was cut off after its training leaves such checkpoints as
 * well: once the run has ended they go, where the next attempt chose anew, and no score, estimate, model or student names them.
 */
const SUPERSEDED = Prisma.sql`
  select c."checkpointId" from "Checkpoint" c join "Run" own using ("runId")
  where own.status in ('cancelled', 'succeeded', 'failed') and not c."isBest" and not c."isLast"
    and jsonb_typeof(c.manifest->'selections') = 'array'
    and not exists (
      select 1 from jsonb_array_elements(c.manifest->'selections') as chosen
      where not exists (select 1 from "Checkpoint" n where n."runId" = c."runId" and n."createdAt" > c."createdAt" and n.manifest->'selections' @> chosen))
    and not exists (select 1 from "Score" where "checkpointId" = c."checkpointId")
    and not exists (select 1 from "ScoreVariant" where "checkpointId" = c."checkpointId")
    and not exists (select 1 from "Estimate" where "checkpointId" = c."checkpointId")
    and not exists (select 1 from "Model" where "checkpointId" = c."checkpointId")
    and not exists (select 1 from "ModelHistory" where "checkpointId" = c."checkpointId")
    and not exists (select 1 from "RunTeacher" where "checkpointId" = c."checkpointId")`;

export async function supersededCheckpoints(store: Store): Promise<string[]> {
  const rows = await store.$queryRaw<{ checkpointId: string }[]>`${SUPERSEDED} order by 1`;
  return rows.map(({ checkpointId }) => checkpointId);
}

/** Only those that are superseded still. @returns how many */
export async function deleteSuperseded(store: Store): Promise<number> {
  return store.$executeRaw`delete from "Checkpoint" where "checkpointId" in (${SUPERSEDED})`;
}
