/** A Postgres that nothing is left of: for tests and the drift check. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type RunningPostgres } from './postgres.ts';

/**
 * Waits for the end of its input, which the kernel closes with our process, however that ends (a test runner kills what takes too
 * long). Then ends the server that still runs and removes what is left. $1: data folder.
 */
const GUARD = `
  cat > /dev/null
  pid=$(head -n 1 "$1/postgres/data/postmaster.pid" 2> /dev/null)
  if [ -n "$pid" ]; then
    kill -QUIT "$pid" 2> /dev/null
    for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2> /dev/null || break; sleep 0.3; done
  fi
  rm -rf "$1"`;

export interface TemporaryPostgres extends Omit<RunningPostgres, 'home'> {
  readonly dataDir: string;
}

/** @param isDurable what it has committed survives its own crash. Default: false, which does not wait for the disk */
export async function startTemporaryPostgres({ isDurable = false }: { isDurable?: boolean } = {}): Promise<TemporaryPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mtmt-postgres-'));
  await chmod(dataDir, 0o711); // so that the cluster lies within, under root too
  // detached: a Ctrl-C at the terminal ends us, not the guard
  const guard = spawn('/bin/sh', ['-c', GUARD, 'sh', dataDir], { cwd: '/', detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  guard.unref();
  const ended = once(guard, 'exit');
  const finish = async (): Promise<void> => {
    guard.ref();
    guard.stdin.end();
    await ended;
  };
  try {
    const postgres = await startPostgres({ dataDir, isTemporary: !isDurable });
    return {
      url: postgres.url,
      dataDir,
      async stop() {
        await postgres.stop();
        await finish();
      },
    };
  } catch (error) {
    await finish();
    throw error;
  }
}
