/** The process that trains one run: what it has in common whatever engine trains. */
import { writeFileSync } from 'node:fs';
import { pino } from 'pino';
import type { Config } from '../config.ts';
import { openStorage } from '../storage/open.ts';
import { openStore } from '../store/store.ts';
import type { Engine } from './attempt.ts';
import { GivenBack } from './drive.ts';
import { execute } from './execute.ts';
import { failureOf, type Outcome } from './lifecycle.ts';
import type { FromTrainer, ToTrainer, TrainerTask } from './supervise.ts';
import { versions } from './versions.ts';

/** Ends the process. */
export async function runTrainer(config: Config & { databaseUrl: string }, engine: Engine): Promise<void> {
  const task = JSON.parse(process.argv[2] ?? '') as TrainerTask;
  const log = pino({ level: config.logLevel, base: { process: 'trainer', pid: process.pid } });
  const stopping = new AbortController();
  // Without its worker nobody would end this process or take its outcome; the run goes on elsewhere.
  process.on('disconnect', () => process.exit(1));
  process.on('message', (message) => {
    const { type } = message as ToTrainer;
    if (type === 'cancel') stopping.abort(new Error('the run was cancelled'));
    if (type === 'giveBack') stopping.abort(new GivenBack());
  });
  // A terminal's Ctrl-C reaches the whole group: what becomes of the run is the worker's to say.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  diesFirst();
  let outcome: Outcome;
  try {
    const store = await openStore(config.databaseUrl);
    const storage = await openStorage(config);
    outcome = await execute({ store, storage, config, engine, log, versions: versions(), task, signal: stopping.signal });
  } catch (error) {
    log.error({ runId: task.runId, err: error }, 'the trainer could not start');
    outcome = { status: 'failed', failure: failureOf(error) };
  }
  await new Promise((resolve) => process.send?.({ type: 'ended', outcome } satisfies FromTrainer, resolve));
  process.exit(0);
}

/** Where memory runs out, Linux is to end this process and not Postgres. */
function diesFirst(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // not Linux, or not allowed: only the choice of the victim is left to the system
  }
}
