/** Shows runs while they train: one line that changes at a terminal, now and then a line elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Score } from '../../schemas/result.ts';
import type { Run } from '../../schemas/run.ts';
import type { ApiClient } from './api.ts';
import { CommandFailure } from './failure.ts';
import { f1By, protocolsOf } from './protocols.ts';
import type { Output } from './terminal.ts';

const POLL_MS = 500;
/** Between lines where nothing can be overwritten. */
const LINE_EVERY_MS = 10_000;
const BAR_CHARS = 20;
const KIND_CHARS = 11;

interface Watched {
  readonly runId: string;
  /** What the run said last that it does. */
  phase: string;
  lastEventId: number;
}

export interface WatchOptions {
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly pollMs?: number;
  /** Of a run, in its lines. Default: its kind. */
  readonly nameOf?: (run: Run) => string;
  /** Said behind the status of the run that trains: how much is left beside it. */
  readonly aside?: () => string;
}

/** Until all have ended. @throws CommandFailure naming the first that did not succeed */
export async function watchRuns(client: ApiClient, runIds: readonly string[], { output, signal, pollMs = POLL_MS, nameOf = ({ kind }) => kind, aside = () => '' }: WatchOptions): Promise<void> {
  const beganAt = Date.now();
  const show = shower(output);
  let going = runIds.map((runId): Watched => ({ runId, phase: '', lastEventId: 0 }));
  for (;;) {
    const live: { run: Run; watched: Watched }[] = [];
    for (const watched of going) {
      const run = await client.run(watched.runId);
      if (run.startedAt !== null) await readEvents(client, watched, output);
      if (!run.terminal) live.push({ run, watched });
      else if (run.status === 'succeeded') output.line(`  ${padded(nameOf(run))}${await summary(client, run, beganAt)}`);
      else throw new CommandFailure(failureText(run));
    }
    going = live.map(({ watched }) => watched);
    const shown = live.find(({ run }) => run.status === 'running') ?? live[0];
    if (shown === undefined) return;
    show(`  ${statusText(shown.run, shown.watched.phase, output.isTerminal, nameOf(shown.run))}${aside()}`);
    await sleep(pollMs, undefined, { signal });
  }
}

/** One line that changes at a terminal, a line now and then elsewhere. */
export function shower(output: Output): (text: string) => void {
  let last = '';
  let lastAt = -Infinity;
  return (text) => {
    if (output.isTerminal) {
      output.status(text);
      return;
    }
    if (text === last || performance.now() - lastAt < LINE_EVERY_MS) return;
    output.line(text);
    last = text;
    lastAt = performance.now();
  };
}

async function readEvents(client: ApiClient, watched: Watched, output: Output): Promise<void> {
  for (const { eventId, type, level, message } of await client.events(watched.runId, watched.lastEventId)) {
    watched.lastEventId = eventId;
    if (type === 'phase') watched.phase = message;
    if (level === 'warn' && type === 'warning') output.line(`  ${message}`);
  }
}

export function statusText({ kind, status, progress, transitions }: Run, phase: string, hasBar: boolean, called: string = kind): string {
  const name = padded(called);
  const { step, steps, loss, piecesPerSecond, etaSeconds } = progress;
  if (status !== 'running') return `${name}${[status, transitions.at(-1)?.reason].filter(Boolean).join(': ')}`;
  if (step === 0 || step === steps) return `${name}${phase === '' ? 'starting' : phase}`;
  const parts = [
    ...(hasBar ? [bar(step / steps)] : []),
    `step ${step}/${steps}`,
    ...(loss === null ? [] : [`loss ${loss.toFixed(3)}`]),
    ...(piecesPerSecond === null ? [] : [`${Math.round(piecesPerSecond)} pieces/s`]),
    ...(etaSeconds === null ? [] : [`${duration(etaSeconds)} left`]),
  ];
  return name + parts.join('  ');
}

/** @param share 0 to 1 */
export function bar(share: number): string {
  const done = Math.round(BAR_CHARS * share);
  return '█'.repeat(done) + '░'.repeat(BAR_CHARS - done);
}

function padded(name: string): string {
  return `${name} `.padEnd(KIND_CHARS);
}

async function summary(client: ApiClient, { runId, kind, startedAt, endedAt, progress, device }: Run, beganAt: number): Promise<string> {
  const tests = (await client.scores(runId)).filter(({ split }) => split === 'test');
  const seconds = startedAt === null || endedAt === null ? 0 : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  const isOld = endedAt !== null && Date.parse(endedAt) < beganAt;
  const parts = [
    `${isOld ? 'trained before: ' : ''}${progress.steps} steps in ${duration(seconds)}${device === null ? '' : ` on ${device}`}`,
    ...protocolsOf(tests).map((name) => `${kind === 'evaluator' ? 'F1 of same-tag pairs' : 'test F1'} by ${name}: ${figuresBy(name, tests)}`),
  ];
  return parts.join('; ');
}

function figuresBy(selection: string, tests: readonly Score[]): string {
  const figures = tests.map((score) => ({ language: score.language, f1: f1By(score, selection) }));
  return figures.flatMap(({ language, f1 }) => (f1 === null ? [] : [`${language} ${(100 * f1).toFixed(1)}`])).join(', ');
}

function failureText({ runId, kind, status, failure }: Run): string {
  return `The ${kind} ${runId} ${status === 'failed' ? 'failed' : `was ${status}`}${failure === null ? '' : `: ${failure.code}: ${failure.detail}`}`;
}

export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
