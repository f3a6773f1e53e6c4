/** A load in a process of its own, so that timing does not wait for whatever else this one does. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadResult, LoadTask, LoadWindow } from './load.ts';

export type FromLoad = { readonly window: LoadWindow } | { readonly result: LoadResult };

const PROCESS = fileURLToPath(new URL('load-process.ts', import.meta.url));

/** @throws the signal's reason once it is aborted */
export async function loadApart(task: LoadTask, { signal, onWindow }: { signal: AbortSignal; onWindow?: (window: LoadWindow) => void }): Promise<LoadResult> {
  signal.throwIfAborted();
  // a group of its own: a terminal's Ctrl-C reaches the command alone, which ends this one
  const child = fork(PROCESS, [], { execArgv: ['--import', import.meta.resolve('tsx')], detached: true, signal });
  return new Promise((resolve, reject) => {
    child.on('message', (message) => {
      const told = message as FromLoad;
      if ('window' in told) onWindow?.(told.window);
      else resolve(told.result);
    });
    child.on('error', () => reject(signal.aborted ? (signal.reason as Error) : new Error('the process of the load could not be started')));
    child.on('close', (code, killedBy) => reject(new Error(`the process of the load ended early (${killedBy ?? `exit status ${code}`})`)));
    child.send(task);
  });
}
