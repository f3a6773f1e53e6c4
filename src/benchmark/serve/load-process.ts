/** The process of a load: takes its task from the parent, tells each window and the result, and ends with its parent. */
import { runLoad, type LoadTask } from './load.ts';
import type { FromLoad } from './load-apart.ts';

const tell = (message: FromLoad): Promise<void> => new Promise((resolve) => process.send?.(message, () => resolve()));

process.on('disconnect', () => process.exit(1));
process.once('message', (task) => {
  void (async () => {
    const result = await runLoad(task as LoadTask, (window) => void tell({ window }));
    await tell({ result });
    process.exit(0);
  })();
});
