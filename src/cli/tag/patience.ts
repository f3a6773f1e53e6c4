/** How long a service that is away is waited for. */

/** A service that is started anew, or a tagger that loads a model, is back within it. */
const PATIENCE_MS = 300_000;

export interface Patience {
  /** A sign of life: an answer, or that the service is too busy for one. */
  heard(): void;
  /** After a failure. @returns whether the service has been away for too long after another `waitMs` */
  isOver(waitMs: number): boolean;
}

/**
 * All requests of a file share it: while one is answered the service is there. It begins with the first failure after the last sign of life, for a
 * connection that stood until then was one, however long it stood.
 * @param now in ms
 */
export function newPatience(now: () => number = () => performance.now()): Patience {
  let awaySince: number | null = null;
  return {
    heard() {
      awaySince = null;
    },
    isOver(waitMs) {
      awaySince ??= now();
      return now() + waitMs - awaySince > PATIENCE_MS;
    },
  };
}
