/** The process that trains one run; the worker starts it with a task and it ends with that. */
import { loadConfig } from './config.ts';
import { loadRecognizer } from './inference/load.ts';
import { runTrainer } from './runs/train-process.ts';
import { requireDatabase } from './runs/worker-process.ts';
import { loadBackend } from './tensor/backend.ts';
import { train } from './training/train.ts';

const config = requireDatabase(loadConfig());
await runTrainer(config, { start: ({ device }) => loadBackend({ device, xla: config.xla }), train, open: loadRecognizer });
