import { runPart } from './process.ts';

const about = 'Holds models and tags what API processes send to it, on TAGGER_HOST and TAGGER_PORT and the first device. They find it by the database of\nDATABASE_URL, or by TAGGER_URL.';

export function run(args: string[]): Promise<number> {
  return runPart({ name: 'tagger', about, hasDevices: true, start: () => import('../tagger.ts') }, args);
}
