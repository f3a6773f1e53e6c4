/** The terminal that a command writes to, and Ctrl-C. */

export interface Output {
  /** Whether a line can be overwritten. */
  readonly isTerminal: boolean;
  readonly isColored: boolean;
  /** A line that stays. */
  line(text: string): void;
  /** The line that the next one overwrites; terminals only. */
  status(text: string): void;
}

const FIRST_TO_END = '\r\u001b[K';
/** npm, a shell and a terminal may each pass on one and the same Ctrl-C. */
const SAME_SIGNAL_MS = 1_000;

export function terminal(stream: NodeJS.WriteStream = process.stdout): Output {
  let hasStatus = false;
  const clear = (): void => {
    if (hasStatus) stream.write(FIRST_TO_END);
    hasStatus = false;
  };
  return {
    isTerminal: stream.isTTY,
    isColored: stream.isTTY && (process.env['NO_COLOR'] ?? '') === '',
    line(text) {
      clear();
      stream.write(`${text}\n`);
    },
    status(text) {
      clear();
      // a line that wraps could not be overwritten
      stream.write(text.slice(0, stream.columns - 1));
      hasStatus = true;
    },
  };
}

/** @param again a second signal, from somebody who does not want to wait */
export function onEndingSignal(first: () => void, again: () => void): void {
  let firstAt: number | null = null;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (firstAt === null) {
        firstAt = performance.now();
        first();
      } else if (performance.now() - firstAt > SAME_SIGNAL_MS) again();
    });
  }
}
