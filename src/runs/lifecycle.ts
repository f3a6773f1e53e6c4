/** The states of a run, the moves between them, and what a run that failed says. Pure: the guarded writes are the store's. */
import { MtmtError } from '../errors.ts';

export type RunStatus = 'waiting' | 'queued' | 'running' | 'cancelling' | 'cancelled' | 'succeeded' | 'failed';

/** Where a run may go from each state. The database enforces the same by guarded updates. */
export const MOVES: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  waiting: ['queued', 'cancelled', 'failed'],
  queued: ['running', 'cancelled', 'failed'],
  running: ['succeeded', 'failed', 'cancelling', 'queued'],
  cancelling: ['cancelled', 'failed', 'succeeded'],
  cancelled: ['queued', 'waiting'],
  failed: ['queued', 'waiting'],
  succeeded: [],
};

const TERMINAL: readonly RunStatus[] = ['cancelled', 'succeeded', 'failed'];

export function isTerminal(status: RunStatus): boolean {
  return TERMINAL.includes(status);
}

/** States from which a run may move to `to`, for the guard of an update. */
export function sourcesOf(to: RunStatus): RunStatus[] {
  return (Object.keys(MOVES) as RunStatus[]).filter((from) => MOVES[from].includes(to));
}

export interface Failure {
  /** Stable, upper snake case. */
  readonly code: string;
  readonly detail: string;
}

/** How an execution ended, as the trainer tells the worker. */
export type Outcome =
  | { readonly status: 'succeeded' }
  | { readonly status: 'cancelled' }
  /** The run has moved on: another attempt writes now. */
  | { readonly status: 'superseded' }
  /** By a signal, before the trainer could tell anything. */
  | { readonly status: 'killed'; readonly signal: string; readonly failure: Failure }
  | { readonly status: 'failed'; readonly failure: Failure };

const PATTERNS: readonly (readonly [pattern: RegExp, code: string, detail: string])[] = [
  [/OOM when allocating|RESOURCE_EXHAUSTED|out of memory|Array buffer allocation failed/i, 'OUT_OF_MEMORY', 'the device ran out of memory; try a smaller batchPieces'],
  [/ENOSPC|no space left/i, 'DISK_FULL', 'there is no space left on the disk of the artifacts or the cache'],
];

/** Code and detail for people; what is not ours keeps its message, its stack goes to the log. */
export function failureOf(error: unknown): Failure {
  if (error instanceof MtmtError) return { code: error.code, detail: error.message };
  const message = error instanceof Error ? error.message : String(error);
  const known = PATTERNS.find(([pattern]) => pattern.test(message));
  if (known !== undefined) return { code: known[1], detail: `${known[2]} (${firstLine(message)})` };
  return { code: 'INTERNAL', detail: firstLine(message) };
}

/** What the end of a trainer that reported nothing means. */
export function outcomeOfExit({ code, signal, stderr }: { code: number | null; signal: string | null; stderr: string }): Outcome {
  const failed = (failureCode: string, detail: string): Outcome => ({ status: 'failed', failure: { code: failureCode, detail } });
  if (/bad_alloc|OOM when allocating|RESOURCE_EXHAUSTED|heap out of memory/.test(stderr))
    return failed('OUT_OF_MEMORY', `the training process ran out of memory and ended (${signal ?? `exit code ${code}`}); try a smaller batchPieces`);
  if (signal === null) return failed('TRAINER_EXITED', `the training process ended with exit code ${code} and said nothing`);
  const cause = signal === 'SIGKILL' ? ': probably the machine ran out of memory' : '';
  return { status: 'killed', signal, failure: { code: 'TRAINER_KILLED', detail: `the training process was killed by ${signal}${cause}` } };
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 500);
}
