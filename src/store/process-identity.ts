/** Names a process so that another one that gets its number later is not taken for it: in containers numbers repeat at every start. */
import { readFileSync } from 'node:fs';

/** Number, start time and boot of a live process; null where there is none, or only a dead one that its parent has not asked about. */
export function identityOf(pid: number): string | null {
  const stat = readText(`/proc/${pid}/stat`);
  // from the third field on; the name in parentheses before may itself hold blanks and parentheses
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startedAt = fields[19];
  if (startedAt === undefined || state === 'Z' || state === 'X') return null;
  return `${pid} ${startedAt} ${readText('/proc/sys/kernel/random/boot_id').trim()}`;
}

export function isAlive(identity: string): boolean {
  const pid = Number(identity.split(' ', 1)[0]);
  return Number.isInteger(pid) && pid > 0 && identityOf(pid) === identity;
}

export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
