/**
 * One process at a time: an abstract Unix socket, which the kernel frees with its holder, however that ends.
 * A file with the holder's number was tried first; it needs a take-over, and two that take over at once both win.
 */
import { createHash } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../errors.ts';

const WAIT_MS = 100;
/** Longer than a server takes to start. */
const MAX_WAIT_MS = 360_000;

/** @param path what is locked; nothing is written there. @throws LOCK_HELD naming path and holder */
export async function withProcessLock<T>(path: string, work: () => Promise<T>, { maxWaitMs = MAX_WAIT_MS }: { maxWaitMs?: number } = {}): Promise<T> {
  const address = `\0mtmt-${createHash('sha256').update(path).digest('hex').slice(0, 40)}`;
  const deadline = performance.now() + maxWaitMs;
  let lock = await listen(address);
  while (lock === null) {
    if (performance.now() > deadline) throw fail('LOCK_HELD', { path, holder: await holderOf(address) });
    await sleep(WAIT_MS);
    lock = await listen(address);
  }
  const held = lock;
  try {
    return await work();
  } finally {
    await new Promise((resolve) => held.close(resolve));
  }
}

/** Null where another process, or this one, listens there. */
function listen(address: string): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    // who asks is told the holder
    const server = createServer((socket) => socket.on('error', () => undefined).end(String(process.pid)));
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen({ path: address }, () => resolve(server));
  });
}

function holderOf(address: string): Promise<string> {
  return new Promise((resolve) => {
    let pid = '';
    connect(address)
      .on('data', (chunk) => (pid += chunk.toString()))
      .on('error', () => resolve(pid))
      .on('close', () => resolve(pid));
  });
}
