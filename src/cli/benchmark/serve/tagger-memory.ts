/** What the tagger of a service on this machine holds in memory, as Linux counts it. */
import { readFile } from 'node:fs/promises';
import type { Memory } from '../../../benchmark/serve/figures.ts';

const KIB = 1024;

/** @param servicePid of the process that started the tagger. @returns null elsewhere than on Linux, or where there is none */
export async function taggerMemory(servicePid: number | null): Promise<Memory | null> {
  try {
    const children = (await readFile(`/proc/${servicePid}/task/${servicePid}/children`, 'utf8')).trim().split(' ');
    for (const pid of children) {
      const [, ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
      if (args.some((arg) => /[/\\]tagger\.ts$/.test(arg))) return memoryOf(await readFile(`/proc/${pid}/status`, 'utf8'));
    }
  } catch {
    // another system, or a process that has just ended
  }
  return null;
}

/** @param status as /proc/PID/status has it */
export function memoryOf(status: string): Memory {
  const bytes = (name: string): number => KIB * Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? NaN);
  return { residentBytes: bytes('VmRSS'), peakBytes: bytes('VmHWM'), anonymousBytes: bytes('RssAnon') };
}
