// Starts a process of the service and hears from it which port it has taken.
import { fileURLToPath } from 'node:url';
import { fail } from '../errors.ts';
import type { FromService } from '../listen.ts';
import { keepRunning, type ServiceProcess } from './child.ts';

/** One line of a process's log: JSON of pino, or what a crash printed. */
export type LogSink = (line: string) => void;

export interface StartedProcess {
  readonly process: ServiceProcess;
  /** Of its first start. @throws PORT_TAKEN */
  readonly port: Promise<number>;
  /** Resolves when it has died for the first time. */
  readonly hasDied: Promise<null>;
}

const PORT_VARIABLES: Readonly<Record<string, string>> = { api: 'PORT', tagger: 'TAGGER_PORT' };

/** @param o.file in src/ */
export function startProcess(o: { name: string; file: string; env: NodeJS.ProcessEnv; log: LogSink }): StartedProcess {
  const { name, log } = o;
  const env = { ...o.env };
  const port = deferred<number>();
  const death = deferred<null>();
  port.promise.catch(() => undefined); // nobody may wait for it any more
  const process = keepRunning({
    name,
    path: fileURLToPath(new URL(`../${o.file}`, import.meta.url)),
    env,
    onLine: log,
    onDeath(how, restartInMs) {
      log(warning(`${name} died (${how}), starts again in ${restartInMs / 1000} s`));
      death.resolve(null);
    },
    onMessage(message) {
      const told = message as FromService;
      if (told.type === 'port taken') port.reject(fail('PORT_TAKEN', told));
      else {
        // its next start is to be found where the first one was
        Object.assign(env, { FREE_PORTS: 'off', [PORT_VARIABLES[name] ?? 'PORT']: String(told.port) });
        port.resolve(told.port);
      }
    },
  });
  return { process, port: port.promise, hasDied: death.promise };
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

/** In pino's shape: the same reader shows it. */
function warning(msg: string): string {
  return JSON.stringify({ level: 40, time: Date.now(), name: 'serve', msg });
}
