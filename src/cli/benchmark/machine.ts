/** What measured: the code's commit and the machine. */
import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';

export function machineFacts(): { processor: string; cores: number; memoryGiB: number } {
  return { processor: cpus()[0]?.model.trim() ?? 'unknown processor', cores: cpus().length, memoryGiB: totalmem() / 2 ** 30 };
}

/** With `+` where files differ from it; null where the code is in no repository. */
export async function commitOfCode(): Promise<string | null> {
  const git = async (...args: string[]): Promise<string> => (await promisify(execFile)('git', args, { cwd: import.meta.dirname })).stdout.trim();
  try {
    const [commit, changes] = [await git('rev-parse', 'HEAD'), await git('status', '--porcelain', '--untracked-files=no')];
    return changes === '' ? commit : `${commit}+`;
  } catch {
    return null;
  }
}

/** A line: under what was measured. @param device where one was named */
export async function conditionsOf(device?: string): Promise<string> {
  const { processor, cores } = machineFacts();
  const commit = (await commitOfCode()) ?? 'unknown';
  return [processor, `${cores} cores`, ...(device === undefined ? [] : [device]), new Date().toISOString().slice(0, 10), `Node ${process.versions.node}`, `commit ${commit}`].join(', ');
}
