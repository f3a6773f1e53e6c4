// Preloaded into every process of the service: when `serve` is gone, even killed outright, the process ends gracefully.

/** Time for a request or a checkpoint to be finished. */
const PATIENCE_MS = 30_000;

process.on('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.exit(1), PATIENCE_MS).unref();
});
// The listener alone would keep a process alive that has nothing more to do.
process.channel?.unref();
