/** One process of the service in the foreground, for machines that run a part of it. */
import { parseArgs } from 'node:util';
import { loadConfig } from '../config.ts';
import { requireDatabase } from '../runs/worker-process.ts';
import { migrate } from '../store/migrate.ts';

export interface PartOptions {
  readonly name: string;
  readonly about: string;
  readonly hasDevices: boolean;
  /** Imports the process's file, which starts it; it ends by itself. */
  readonly start: () => Promise<unknown>;
}

/** Processes that start at the same time migrate one after the other. @returns the exit status, or 0 once it runs */
export async function runPart({ name, about, hasDevices, start }: PartOptions, args: string[]): Promise<number> {
  const devices = hasDevices ? { devices: { type: 'string' } as const } : {};
  const { values } = parseArgs({ args, options: { ...devices, help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write(`Usage: mtmt ${name}${hasDevices ? ' [--devices 0,1]' : ''}\n\n${about}\n${hasDevices ? '  --devices 0,1   in place of DEVICES: auto, cpu, or numbers of GPUs\n' : ''}`);
    return 0;
  }
  if (typeof values.devices === 'string') process.env['DEVICES'] = values.devices; // trainers inherit it
  await migrate(requireDatabase(loadConfig()).databaseUrl);
  await start();
  return 0;
}
