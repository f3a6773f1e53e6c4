// One process of the service: started, started again when it dies, ended politely and then not.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_RESTART_MS = 500;
const SLOWEST_RESTART_MS = 30_000;
/** A process that lived this long was well: its next restart is quick again. */
const HEALTHY_MS = 60_000;
const END_PATIENCE_MS = 30_000;

export interface ServiceProcess {
  readonly name: string;
  isAlive(): boolean;
  stop(): Promise<void>;
  kill(): void;
}

export function keepRunning(o: {
  name: string;
  /** A file of ours: `server.ts`. */
  path: string;
  env: NodeJS.ProcessEnv;
  /** Each line of its output. */
  onLine: (line: string) => void;
  onDeath: (how: string, restartInMs: number) => void;
  /** What it sends. */
  onMessage?: (message: unknown) => void;
}): ServiceProcess {
  let child: ChildProcess | null = null;
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;

  async function keep(): Promise<void> {
    for (let wait = FIRST_RESTART_MS; !isStopping(); wait = Math.min(2 * wait, SLOWEST_RESTART_MS)) {
      const startedAt = performance.now();
      child = start(o);
      const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
      if (isStopping()) return;
      if (performance.now() - startedAt > HEALTHY_MS) wait = FIRST_RESTART_MS;
      o.onDeath(signal === null ? `exit status ${code}` : signal, wait);
      await sleep(wait, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }
  const kept = keep();

  return {
    name: o.name,
    isAlive: () => child !== null && child.exitCode === null && child.signalCode === null,
    async stop() {
      stopping.abort();
      child?.kill('SIGTERM');
      const hard = setTimeout(() => child?.kill('SIGKILL'), END_PATIENCE_MS);
      await kept.finally(() => clearTimeout(hard));
    },
    kill() {
      stopping.abort();
      child?.kill('SIGKILL');
    },
  };
}

function start(o: { path: string; env: NodeJS.ProcessEnv; onLine: (line: string) => void; onMessage?: (message: unknown) => void }): ChildProcess {
  const preloads = [import.meta.resolve('tsx'), new URL('./leave-with-parent.ts', import.meta.url).href];
  const child = spawn(process.execPath, [...preloads.flatMap((url) => ['--import', url]), o.path], {
    env: o.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A group of its own: a terminal's Ctrl-C reaches `serve` alone, which ends the processes in their order.
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) if (stream !== null) createInterface({ input: stream }).on('line', o.onLine);
  if (o.onMessage !== undefined) child.on('message', o.onMessage);
  return child;
}
