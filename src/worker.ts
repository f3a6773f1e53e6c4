/** The worker's process: takes runs from the queue, one at a time for each device, each trained in a child process. */
import { fileURLToPath } from 'node:url';
import { loadConfig } from './config.ts';
import { requireDatabase, runWorker } from './runs/worker-process.ts';

await runWorker(requireDatabase(loadConfig()), { trainerPath: fileURLToPath(new URL('./trainer.ts', import.meta.url)) });
