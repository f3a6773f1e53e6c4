/** The terminal that the demo writes to, and Ctrl-C. */
import type { Output } from './progress.ts';

export function terminal(stream: NodeJS.WriteStream = process.stdout): Output {
  const isTty = stream.isTTY === true;
  let hasStatus = false;
  const clear = (): void => {
    if (hasStatus) stream.write('\r\u001b[K');
    hasStatus = false;
  };
  return {
    isTty,
    isColored: isTty && (process.env['NO_COLOR'] ?? '') === '',
    line(text) {
      clear();
      stream.write(`${text}\n`);
    },
    status(text) {
      clear();
      stream.write(text.slice(0, (stream.columns ?? 120) - 1));
      hasStatus = true;
    },
  };
}

/** Resolves with the first SIGINT, SIGTERM or SIGHUP. */
export function waitForSignal(onSignal: () => void): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        onSignal();
        resolve();
      });
    }
  });
}
