/** Real workers on a Postgres of their own while both are killed at random: every run succeeds once, and the record says what happened. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test, type TestContext } from 'node:test';
import { verify } from '../../src/cli/storage/verify.ts';
import { random } from '../../src/corpora/random.ts';
import type { RunRequest } from '../../src/runs/service.ts';
import { openStore } from '../../src/store/store.ts';
import { chaos, fleet } from './fixtures/chaos.ts';
import { contradictions, openJobs } from './fixtures/consistency.ts';
import { mortalPostgres, type MortalPostgres } from './fixtures/mortal-postgres.ts';
import { testimonies, WITNESS_FILE } from './fixtures/witness.ts';
import { startWorkerProcess, world, type World } from './fixtures/world.ts';

const WORKER = fileURLToPath(new URL('./fixtures/witnessed-worker.ts', import.meta.url));
const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 300);
const SEED = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
const SLOTS = 3;
/** Of a recognizer, an evaluator and a student that waits for both; half as many more of each teacher alone. */
const PIPELINES = 8;
const ALONE = 3;
/** Of runs with the same request, whose weights must be the same. */
const DIFFERENT = 4;
/** A lost worker is noticed after 20 s and its job comes back after 40. */
const PATIENCE_MS = 900_000;

test('thirty runs whose workers and Postgres are killed at random end succeeded once each', async (t) => {
  const { all, postgres, witnessFile } = await mortalWorld(t);
  const { store, storage } = all;
  await submitAll(all);
  const workers = fleet(SLOTS, () => startWorkerProcess(all, WORKER));
  const began = performance.now();
  const say = (what: string): void => t.diagnostic(`${((performance.now() - began) / 1000).toFixed(1)} s: ${what}`);
  say(`CHAOS_SEED=${SEED} CHAOS_SECONDS=${SECONDS}`);
  const draws = { workers: random(SEED), postgres: random(SEED + 1) };
  const kills = await chaos({ seconds: SECONDS, slots: SLOTS, fleet: workers, postgres, draws, say });
  say(`${kills.workers} workers and ${kills.postgres} times Postgres were killed; ${await countEnded(all)} runs had ended`);
  await untilSettled(all);
  workers.close();
  say(`all has ended: ${JSON.stringify(await store.$queryRaw`select sum(attempt)::int as attempts, max(attempt) as most from "Run"`)}`);

  assert.deepEqual(await contradictions(store), {});
  assert.deepEqual(await openJobs(store), []);
  const lines: string[] = [];
  assert.equal(await verify({ store, storage, output: { isTerminal: false, isColored: false, line: (text) => lines.push(text), status: () => undefined } }), 0, lines.join('\n'));
  const seen = testimonies(witnessFile);
  assert.deepEqual(seen.filter((each) => each.type === 'trainer' && !each.isAlone), [], 'two trainers of one run lived at the same time');
  const attempts = seen.flatMap((each) => (each.type === 'trainer' ? [`${each.runId} ${each.attempt}`] : []));
  assert.deepEqual(attempts.toSorted(), [...new Set(attempts)].toSorted(), 'an attempt had two trainers');
  const recorded = await store.transition.findMany({ where: { status: 'running' } });
  assert.deepEqual(attempts.filter((each) => !recorded.some(({ runId, attempt }) => each === `${runId} ${attempt}`)), [], 'a trainer of an attempt that nobody recorded');
  const ready = new Set(seen.flatMap((each) => (each.type === 'worker' ? [each.pid] : [])));
  assert.deepEqual(workers.deserters.filter((pid) => ready.has(pid)), [], 'a worker that was ready ended by itself');
});

async function mortalWorld(t: TestContext): Promise<{ all: World; postgres: MortalPostgres; witnessFile: string }> {
  const opened: MortalPostgres[] = [];
  const quick = await world(t, async (cleaner) => {
    const postgres = await mortalPostgres(cleaner);
    opened.push(postgres);
    const store = await openStore(postgres.url);
    cleaner.after(() => store.$disconnect());
    return { store, databaseUrl: postgres.url };
  });
  const [postgres] = opened;
  assert.ok(postgres !== undefined);
  const witnessFile = join(quick.env['DATA_DIR'] ?? '', 'witness.jsonl');
  const env = { ...quick.env, RESUME_SECONDS: '0', HEARTBEAT_SECONDS: '10', [WITNESS_FILE]: witnessFile };
  return { all: { ...quick, env }, postgres, witnessFile };
}

/** Short runs, of lengths that kills find at every stage. */
async function submitAll({ service, store, datasets }: World): Promise<void> {
  const { train, dev, test: en, devEs, testEs, rawEs } = datasets;
  const requestOf = (index: number): Pick<RunRequest, 'seed' | 'options'> => {
    const seed = 1 + (index % DIFFERENT);
    return { seed, options: { epochs: 100 * seed, batchPieces: 64, maxPieces: 32, learningRate: 1e-3 } };
  };
  for (let index = 0; index < PIPELINES; index++)
    await service.submitPipeline({ ...requestOf(index), datasets: { train: [train], dev: [dev, devEs], test: [en, testEs], unlabeled: [rawEs] } });
  for (let index = 0; index < ALONE; index++)
    for (const kind of ['recognizer', 'evaluator'] as const) await service.submit({ ...requestOf(index), kind, datasets: { train: [train], dev: [dev], test: [en] } });
  // the default of 3 is for a fleet whose workers are not killed every few seconds
  await store.run.updateMany({ data: { maxAttempts: 1_000 } });
}

const countEnded = ({ store }: World): Promise<number> => store.run.count({ where: { status: { in: ['succeeded', 'failed', 'cancelled'] } } });

/** Nothing is left to do; or the time is up, and what is left contradicts. */
async function untilSettled(all: World): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  const total = await all.store.run.count();
  while (performance.now() < giveUpAt) {
    if ((await countEnded(all)) === total && (await openJobs(all.store)).length === 0) return;
    await wait(1_000);
  }
}
