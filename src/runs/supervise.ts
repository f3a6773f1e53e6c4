/** The child process that trains one run: starts it, talks to it, and makes of its end an outcome. */
import { fork } from 'node:child_process';
import { getPriority, setPriority } from 'node:os';
import { createInterface } from 'node:readline';
import { withHugePages } from '../tensor/huge-pages.ts';
import { outcomeOfExit, type Outcome } from './lifecycle.ts';

/** What the worker gives a trainer, as JSON in its first argument. */
export interface TrainerTask {
  readonly runId: string;
  readonly attempt: number;
  readonly device: 'auto' | 'cpu' | number;
}

/** Either way the trainer keeps where it is; a run that is cancelled also gets its last checkpoints, for nobody may resume it. */
export type ToTrainer = { readonly type: 'cancel' } | { readonly type: 'giveBack' };
export type FromTrainer = { readonly type: 'ended'; readonly outcome: Outcome };

export interface Trainer {
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly ended: Promise<Outcome>;
  /** Asks the trainer to stop at its next step. */
  cancel(): void;
  /** As `cancel`, for a run that goes on elsewhere. */
  giveBack(): void;
  kill(): void;
}

/** Last lines of stderr are read for what TensorFlow says of memory before it aborts. */
const STDERR_TAIL_CHARS = 4_000;
/** What TensorFlow says at each start, before its log level is read. */
const CHATTER = /^(WARNING: All log messages before absl|I0000 )/;

export interface TrainerOptions {
  /** The trainer's entry; tests pass another than `src/trainer.ts`. */
  readonly path: string;
  /** Priority as of `nice`, 0 to 19; one that this process has already is not raised. */
  readonly nice: number;
}

export function startTrainer({ path, nice }: TrainerOptions, task: TrainerTask): Trainer {
  const child = fork(path, [JSON.stringify(task)], {
    // The parent may have been started in any folder, so tsx is named by where it is.
    execArgv: ['--import', import.meta.resolve('tsx')],
    env: withHugePages(process.env),
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  standBack(child.pid, nice);
  let tail = '';
  if (child.stderr !== null) {
    createInterface(child.stderr).on('line', (line) => {
      if (!CHATTER.test(line)) process.stderr.write(`${line}\n`);
      tail = `${tail}${line}\n`.slice(-STDERR_TAIL_CHARS);
    });
  }
  let outcome: Outcome | undefined;
  const ended = new Promise<Outcome>((resolve) => {
    child.on('message', (message) => {
      outcome = (message as FromTrainer).outcome;
    });
    child.on('error', (error) => resolve({ status: 'failed', failure: { code: 'TRAINER_NOT_STARTED', detail: error.message } }));
    // 'close' and not 'exit': messages and stderr are then complete.
    child.on('close', (code, signal) => resolve(outcome ?? outcomeOfExit({ code, signal, stderr: tail })));
  });
  const tell = (message: ToTrainer): void => {
    if (child.connected) child.send(message);
  };
  return {
    pid: child.pid,
    ended,
    cancel: () => tell({ type: 'cancel' }),
    giveBack: () => tell({ type: 'giveBack' }),
    kill() {
      child.kill('SIGKILL');
    },
  };
}

/**
 * At once: on Linux a priority is a thread's, and threads that TensorFlow starts later inherit it. An idle machine trains as fast as ever.
 */
function standBack(pid: number | undefined, nice: number): void {
  try {
    if (pid !== undefined && getPriority() < nice) setPriority(pid, nice);
  } catch {
    // it has ended, or the system does not allow it: training goes on as before
  }
}
