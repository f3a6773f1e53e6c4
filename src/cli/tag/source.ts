/** One text of a file. */
import { createHash, type Hash } from 'node:crypto';
import type { Place } from '../../errors.ts';

/** One of `text`, `tokens` and `fault` is there; a text that the service refuses has a fault as well. */
export interface Source {
  /** Where it begins, from 1. */
  readonly line: number;
  /** As JSON lines have it. */
  readonly id?: string | number;
  readonly text?: string;
  readonly tokens?: readonly string[];
  readonly fault?: Fault;
}

/** Why a text cannot be tagged. */
export interface Fault {
  /** The service's, or LINE_INVALID of what cannot be read. */
  readonly code: string;
  readonly detail: string;
  /** Where in the file, if that is not where the text begins. */
  readonly line?: number;
  readonly column?: number;
}

/** @param begin of the text */
export function faultAt({ line, column, detail }: Place, begin: number): Fault {
  return { code: 'LINE_INVALID', detail, ...(line !== undefined && line !== begin && { line }), ...(column !== undefined && { column }) };
}

/** What tells whether a file begins with the texts that were tagged before: corrected and longer files do. */
export function sourcesDigest(): { add(source: Source): void; value(): string } {
  const hash: Hash = createHash('sha256');
  return {
    // the fault of a text that can be read is the service's, and no part of the file
    add: ({ id, text, tokens, fault }) => {
      const content = text === undefined && tokens === undefined ? [fault?.detail] : [];
      hash.update(`${JSON.stringify([id ?? null, text ?? null, tokens ?? null, ...content])}\n`);
    },
    value: () => hash.copy().digest('hex'),
  };
}
