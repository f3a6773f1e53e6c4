/** The alternative to our service: a Python process that holds the same model, in the layout of Hugging Face. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Peer {
  readonly url: string;
  /** Of PyTorch. */
  readonly threads: number;
  readonly versions: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface TimedInProcess {
  readonly count: number;
  readonly medianMs: number;
}

const SCRIPT = join(import.meta.dirname, 'peer_server.py');
const STDERR_TAIL_CHARS = 2_000;

/** @throws with the last that it said, where it ends before it listens */
export async function startPeer(python: string, folder: string, { signal, script = SCRIPT }: { signal: AbortSignal; script?: string }): Promise<Peer> {
  const child = spawn(python, [script, '--model', folder], { stdio: ['pipe', 'pipe', 'pipe'], detached: true, signal, killSignal: 'SIGKILL' });
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-STDERR_TAIL_CHARS)));
  child.on('error', ({ message }) => (tail += message));
  const closed = once(child, 'close').catch(() => undefined); // it is said above
  const line = await Promise.race([firstLine(child), closed.then(() => null)]);
  signal.throwIfAborted();
  if (line === null) throw new Error(`${python} ${script} ended before it listened:\n${tail.trim()}`);
  const { port, threads, versions } = JSON.parse(line) as { port: number; threads: number; versions: Record<string, string> };
  return {
    url: `http://127.0.0.1:${port}`,
    threads,
    versions,
    async stop() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

async function firstLine({ stdout }: ChildProcess): Promise<string | null> {
  if (stdout === null) return null;
  for await (const line of createInterface(stdout)) if (line.startsWith('{')) return line;
  return null;
}

export async function timeOnnxruntime({ url }: Peer, task: { length: number; seconds: number }, signal: AbortSignal): Promise<TimedInProcess> {
  return (await ask(`${url}/onnxruntime`, task, signal)) as TimedInProcess;
}

export async function peerEntities({ url }: Peer, text: string, signal: AbortSignal): Promise<{ label: string; text: string }[]> {
  return ((await ask(`${url}/ner`, { text }, signal)) as { entities: { label: string; text: string }[] }).entities;
}

async function ask(url: string, body: object, signal: AbortSignal): Promise<unknown> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body), signal });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.json();
}
