/**
 * What every request to tag asks: where an alias points at. One prepared statement without Prisma, whose query builder is cold between two
 * requests: in the tagger it took 1.1 ms of a sentence's 7.
 */
import pg from 'pg';

export interface AliasReader {
  /** @returns null where there is no such alias */
  checkpointOf(alias: string): Promise<string | null>;
  close(): Promise<void>;
}

/** Connects when it is first asked. */
export function openAliasReader(databaseUrl: string): AliasReader {
  const pool = new pg.Pool({ connectionString: databaseUrl, application_name: 'mtmt-aliases', max: 2, connectionTimeoutMillis: 10_000, keepAlive: true });
  // an idle connection was lost: the next question makes another
  pool.on('error', () => undefined);
  return {
    async checkpointOf(alias) {
      const { rows } = await pool.query<{ checkpointId: string }>({ name: 'checkpoint-of-alias', text: 'select "checkpointId" from "Model" where "alias" = $1', values: [alias] });
      return rows[0]?.checkpointId ?? null;
    },
    close: () => pool.end(),
  };
}
