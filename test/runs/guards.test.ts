/** Postgres itself refuses what a run cannot do, whoever writes: all pairs of states. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { MOVES, isTerminal, type RunStatus } from '../../src/runs/lifecycle.ts';
import { createRuns } from '../../src/store/runs.ts';
import { testStore, type Cleaner } from '../helper.ts';
import { newRun } from '../store/rows.ts';

const STATES = Object.keys(MOVES) as RunStatus[];

interface Row {
  readonly client: pg.Client;
  readonly runId: string;
  /** Puts the run in a state past all guards. */
  force(status: RunStatus): Promise<void>;
  status(): Promise<RunStatus>;
}

async function open(t: Cleaner): Promise<Row> {
  const { store, databaseUrl } = await testStore(t);
  const run = await newRun(store);
  await createRuns(store, [run]);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  client.on('error', () => undefined); // the database is dropped at the end
  const { runId } = run;
  return {
    client,
    runId,
    async force(status) {
      await client.query("set session_replication_role = 'replica'"); // triggers rest
      await client.query('update "Run" set status = $1::"RunStatus", "deletedAt" = null where "runId" = $2', [status, runId]);
      await client.query("set session_replication_role = 'origin'");
    },
    async status() {
      const { rows } = await client.query<{ status: RunStatus }>('select status from "Run" where "runId" = $1', [runId]);
      return rows[0]?.status ?? assert.fail();
    },
  };
}

test('a row of a run moves as the lifecycle allows and in no other way', async (t) => {
  const { client, runId, force, status } = await open(t);
  const move = (to: RunStatus): Promise<unknown> => client.query('update "Run" set status = $1::"RunStatus" where "runId" = $2', [to, runId]);
  for (const from of STATES) {
    for (const to of STATES) {
      await force(from);
      const isAllowed = from === to || MOVES[from].includes(to);
      if (isAllowed) await move(to);
      else await assert.rejects(move(to), { code: '23514', message: `run ${runId} cannot move from ${from} to ${to}` });
      assert.equal(await status(), isAllowed ? to : from, `${from} to ${to}`);
    }
  }
  await client.end();
});

test('a row of a run begins as waiting or queued', async (t) => {
  const { client, runId } = await open(t);
  const copy = (as: RunStatus): Promise<unknown> =>
    client.query(
      `insert into "Run" ("runId", "experimentId", kind, status, name, "encoderId", "encoderDigest", requested, options, seed)
       select $1, "experimentId", kind, $2::"RunStatus", name, "encoderId", "encoderDigest", requested, options, seed from "Run" where "runId" = $3`,
      [`run_${as}`, as, runId],
    );
  for (const status of STATES) {
    if (status === 'waiting' || status === 'queued') await copy(status);
    else await assert.rejects(copy(status), { code: '23514', message: `run run_${status} cannot begin as ${status}` });
  }
  const { rows } = await client.query('select "runId" from "Run" order by 1');
  assert.deepEqual(rows.map(({ runId: id }: { runId: string }) => id).filter((id) => id !== runId), ['run_queued', 'run_waiting']);
  await client.end();
});

test('a row of a live run is not deleted, and a deleted one does not live again', async (t) => {
  const { client, runId, force } = await open(t);
  const remove = (): Promise<unknown> => client.query('update "Run" set "deletedAt" = now() where "runId" = $1', [runId]);
  for (const status of STATES) {
    await force(status);
    if (isTerminal(status)) await remove();
    else await assert.rejects(remove(), { code: '23514' });
  }
  await force('failed');
  await remove();
  await assert.rejects(client.query(`update "Run" set status = 'queued' where "runId" = $1`, [runId]), { code: '23514', message: /run_deleted/ });
  await client.end();
});
