/** Shows runs while they train: one line that changes at a terminal, now and then a line elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../errors.ts';
import type { Run } from '../../schemas/run.ts';
import type { ApiClient } from './client.ts';

const POLL_MS = 500;
/** Between lines where nothing can be overwritten. */
const LINE_EVERY_MS = 10_000;

export interface Output {
  readonly isTty: boolean;
  readonly isColored: boolean;
  /** A line that stays. */
  line(text: string): void;
  /** The line that is overwritten. */
  status(text: string): void;
}

/** Until all have ended. @throws RUN_FAILED naming the first that did not succeed */
export async function watchRuns(client: ApiClient, runIds: readonly string[], output: Output, signal: AbortSignal): Promise<void> {
  const seen = new Map<string, number>();
  const ended = new Set<string>();
  let shownAt = -Infinity;
  let shown = '';
  while (ended.size < runIds.length) {
    for (const runId of runIds.filter((id) => !ended.has(id))) {
      const run = await client.run(runId);
      const phase = await newestPhase(client, run, seen);
      if (run.terminal) {
        ended.add(runId);
        output.line(`  ${run.kind.padEnd(10)} ${run.status === 'succeeded' ? await summary(client, run) : run.status}`);
        if (run.status !== 'succeeded') throw fail('RUN_FAILED', { runId, status: run.status, detail: run.failure === null ? '' : `${run.failure.code}: ${run.failure.detail}` });
        continue;
      }
      const text = statusOf(run, phase);
      if (run.status === 'waiting' || run.status === 'queued') continue;
      if (output.isTty) output.status(`  ${text}`);
      else if (text !== shown && performance.now() - shownAt > LINE_EVERY_MS) {
        output.line(`  ${text}`);
        shown = text;
        shownAt = performance.now();
      }
    }
    if (ended.size < runIds.length) await sleep(POLL_MS, undefined, { signal });
  }
}

const phases = new Map<string, string>();
/** What the run said last that it does. */
async function newestPhase(client: ApiClient, { runId, terminal }: Run, seen: Map<string, number>): Promise<string> {
  if (terminal) return '';
  for (const { eventId, type, message } of await client.events(runId, seen.get(runId) ?? 0)) {
    seen.set(runId, eventId);
    if (type === 'phase') phases.set(runId, message);
  }
  return phases.get(runId) ?? '';
}

export function statusOf({ kind, status, progress: { step, steps, loss, piecesPerSecond, etaSeconds } }: Run, phase: string): string {
  const name = kind.padEnd(10);
  if (status !== 'running') return `${name} ${status}`;
  if (step === 0 || step === steps) return `${name} ${phase === '' ? 'starting' : phase}`;
  const width = 20;
  const done = Math.round((width * step) / steps);
  const bar = '█'.repeat(done) + '░'.repeat(width - done);
  const numbers = [`step ${step}/${steps}`, `loss ${loss?.toFixed(3) ?? '-'}`, `${Math.round(piecesPerSecond ?? 0)} pieces/s`, `${duration(etaSeconds ?? 0)} left`];
  return `${name} ${bar} ${numbers.join('  ')}`;
}

async function summary(client: ApiClient, { runId, startedAt, endedAt, progress, device }: Run): Promise<string> {
  const seconds = startedAt === null || endedAt === null ? 0 : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  const scores = await client.scores(runId);
  const f1 = scores.filter(({ split }) => split === 'test').map((score) => `${score.language} ${(100 * score.f1).toFixed(1)}`);
  return `${progress.steps} steps in ${duration(seconds)} on ${device ?? '?'}; test F1: ${f1.join(', ')}`;
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
