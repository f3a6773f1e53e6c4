import { runPart } from './process.ts';

const about = 'Runs the HTTP API alone, on HOST and PORT, with the database of DATABASE_URL. Any number of them may stand behind a load balancer.';

export function run(args: string[]): Promise<number> {
  return runPart({ name: 'api', about, hasDevices: false, start: () => import('../server.ts') }, args);
}
