/** Goes through the runs of a study one after the other, by the service's HTTP API: what has succeeded before is reused, what stopped goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../../schemas/run.ts';
import { mayBegin, secondsLeft, type Timed } from '../../study/budget.ts';
import { isTrainedSo, type PlannedRun, type PlannedTeachers } from '../../study/plan.ts';
import type { FinishedRun } from '../../study/summary.ts';
import { ApiProblem, type ApiClient } from '../client/api.ts';
import { CommandFailure } from '../client/failure.ts';
import { duration, watchRuns } from '../client/progress.ts';
import type { Output } from '../client/terminal.ts';

export interface Study {
  readonly experiment: string;
  readonly encoder: string;
  readonly runs: readonly PlannedRun[];
  /** null: as long as it takes */
  readonly budgetSeconds: number | null;
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly pollMs?: number;
}

export interface StudyOutcome {
  readonly finished: readonly FinishedRun[];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  /** Real pieces a second, of the runs that are timed. */
  readonly speeds: Readonly<Partial<Record<'everyWord' | 'oneWord', number>>>;
}

/** Of runs. */
interface TeacherIds {
  readonly recognizers: string[];
  readonly evaluators: string[];
}

/** In the tags of each run: what it is. */
const TAG = 'study';
const BUDGET_SPENT = 'the budget is spent';
const CANCEL_POLL_MS = 200;
/** setTimeout's longest. */
const MAX_DELAY_MS = 2 ** 31 - 1;

export async function runStudy(client: ApiClient, study: Study): Promise<StudyOutcome> {
  const { runs, output, budgetSeconds } = study;
  const endsAt = performance.now() + 1000 * (budgetSeconds ?? Infinity);
  const budgetLeft = (): number => (endsAt - performance.now()) / 1000;
  const known = new Map<string, Run>();
  for (const planned of runs) {
    const found = await findKnown(client, study, planned);
    if (found !== null) known.set(planned.key, found);
  }
  const times: Timed[] = [...known.values()].filter(isDone).map((run) => ({ kind: run.kind, seconds: secondsOf(run) }));
  const finished: FinishedRun[] = [];
  const missing: { name: string; reason: string }[] = [];
  const speeds: Partial<Record<'everyWord' | 'oneWord', number>> = {};
  const reused = [...known.values()].filter(isDone).length;
  output.line(`\n${runs.length} runs${reused > 0 ? `, ${reused} of them there already` : ''}${budgetSeconds === null ? '' : `, for at most ${duration(budgetSeconds)}`}`);
  let isClosed = false;
  for (const [index, planned] of runs.entries()) {
    const { name, kind, teachers } = planned;
    let run = known.get(planned.key) ?? null;
    if (run === null || !isDone(run)) {
      const lost = teachers !== null && [...teachers.recognizers, ...teachers.evaluators].some((key) => !isDone(known.get(key)));
      isClosed ||= !mayBegin(kind, times, budgetLeft());
      if (lost || isClosed) {
        missing.push({ name, reason: isClosed ? BUDGET_SPENT : 'a teacher is missing' });
        continue;
      }
      const left = runs.slice(index).filter(({ key }) => !isDone(known.get(key)));
      const submitted = await began(client, study, planned, { known: run, teachers: teachers === null ? null : idsOf(known, teachers) });
      const end = await ended(client, study, submitted, { name, budgetLeft, aside: asideOf(index, runs.length, left.map((each) => each.kind), times) });
      run = end.run;
      isClosed ||= end.isCutOff;
      known.set(planned.key, run);
      if (isDone(run)) times.push({ kind, seconds: secondsOf(run) });
    }
    if (!isDone(run)) {
      missing.push({ name, reason: isClosed ? BUDGET_SPENT : `${run.status}${run.failure === null ? '' : `, ${run.failure.code}: ${run.failure.detail}`}` });
      continue;
    }
    finished.push(await finishedRun(client, planned, run));
    if (planned.schedule !== null && run.progress.piecesPerSecond !== null) speeds[planned.schedule] = run.progress.piecesPerSecond;
  }
  return { finished, missing, speeds };
}

/** The best that there is of what the plan wants: one that succeeded, else one that goes on, else one to resume. */
async function findKnown(client: ApiClient, { experiment }: Study, planned: PlannedRun): Promise<Run | null> {
  const alike = (await client.runs(experiment, `tags.${TAG}="${planned.key}"`)).filter((run) => run.tags[TAG] === planned.key && isTrainedSo(planned, run.options));
  return alike.find(isDone) ?? alike.find(({ terminal }) => !terminal) ?? alike[0] ?? null;
}

async function began(
  client: ApiClient,
  { experiment, encoder, output }: Study,
  { key, name, kind, seed, options, datasets }: PlannedRun,
  { known, teachers }: { known: Run | null; teachers: TeacherIds | null },
): Promise<Run> {
  if (known === null) {
    return client.submitRun({ kind, experiment, name, encoder, seed, tags: { [TAG]: key }, datasets, options, ...(teachers !== null && { teachers }) });
  }
  if (known.terminal) {
    output.line(`  ${name} ${known.status === 'failed' ? `failed before (${known.failure?.code})` : 'was cancelled before'} and is tried again`);
    await client.resume(known.runId).catch((error: unknown) => {
      // somebody else was faster
      if (!(error instanceof ApiProblem) || error.problem.code !== 'RUN_NOT_RESUMABLE') throw error;
    });
  }
  return known;
}

/** Waits for the run, and cancels it at the end of the budget. @returns it as it ended, and whether the budget did */
async function ended(
  client: ApiClient,
  { output, signal, pollMs }: Study,
  { runId }: Run,
  { name, budgetLeft, aside }: { name: string; budgetLeft: () => number; aside: () => string },
): Promise<{ run: Run; isCutOff: boolean }> {
  const budget = new AbortController();
  const delayMs = 1000 * Math.max(0, budgetLeft());
  const timer = delayMs <= MAX_DELAY_MS ? setTimeout(() => budget.abort(), delayMs) : null;
  try {
    await watchRuns(client, [runId], { output, signal: AbortSignal.any([signal, budget.signal]), nameOf: () => name, aside, ...(pollMs !== undefined && { pollMs }) });
  } catch (error) {
    signal.throwIfAborted();
    if (!budget.signal.aborted && !(error instanceof CommandFailure)) throw error;
    const run = await client.run(runId);
    if (budget.signal.aborted && !run.terminal) return { run: await cancelled(client, run, { output, signal, name }), isCutOff: true };
    if (!run.terminal) throw error;
    output.line(`  ${messageOf(error)}`);
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
  return { run: await client.run(runId), isCutOff: budget.signal.aborted };
}

async function cancelled(client: ApiClient, { runId, progress }: Run, { output, signal, name }: { output: Output; signal: AbortSignal; name: string }): Promise<Run> {
  output.line(`  ${name} is cancelled at step ${progress.step} of ${progress.steps}: the budget is spent. The next start tries it again`);
  await client.cancel(runId).catch((error: unknown) => {
    if (!(error instanceof ApiProblem) || error.problem.code !== 'RUN_ENDED') throw error;
  });
  for (;;) {
    const run = await client.run(runId);
    if (run.terminal) return run;
    await sleep(CANCEL_POLL_MS, undefined, { signal });
  }
}

async function finishedRun(client: ApiClient, { name, kind, systemId, seed }: PlannedRun, run: Run): Promise<FinishedRun> {
  const { runId, device } = run;
  const [scores, estimates] = systemId === null ? [[], []] : [await client.scores(runId, { details: true }), await client.estimates(runId)];
  return { runId, name, kind, systemId, seed, device, seconds: secondsOf(run), scores, estimates };
}

function asideOf(index: number, count: number, kindsLeft: readonly string[], times: readonly Timed[]): () => string {
  const beganAt = performance.now();
  const expected = secondsLeft(kindsLeft, times);
  return () => {
    const left = expected === null ? null : Math.max(0, expected - (performance.now() - beganAt) / 1000);
    return `  (run ${index + 1} of ${count}${left === null ? '' : `, about ${duration(left)} for all`})`;
  };
}

/** Of its last attempt, scoring included. */
function secondsOf({ transitions, startedAt, endedAt }: Run): number {
  const began = transitions.findLast(({ status }) => status === 'running')?.at ?? startedAt;
  return began === null || endedAt === null ? 0 : (Date.parse(endedAt) - Date.parse(began)) / 1000;
}

function isDone(run: Run | null | undefined): boolean {
  return run?.status === 'succeeded';
}

function idsOf(known: ReadonlyMap<string, Run>, { recognizers, evaluators }: PlannedTeachers): TeacherIds {
  const ids = (keys: readonly string[]): string[] => keys.flatMap((key) => known.get(key)?.runId ?? []);
  return { recognizers: ids(recognizers), evaluators: ids(evaluators) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
