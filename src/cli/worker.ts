import { runPart } from './process.ts';

const about = 'Takes runs from the database of DATABASE_URL and trains them, one at a time on each device.';

export function run(args: string[]): Promise<number> {
  return runPart({ name: 'worker', about, hasDevices: true, start: () => import('../worker.ts') }, args);
}
