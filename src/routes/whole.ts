/** Pages of lists that are read whole, and of files that are read in order: the cursor is an offset. */
import { fail } from '../errors.ts';

export const DEFAULT_LIMIT = 50;

export interface PageQuery {
  readonly limit?: number;
  readonly cursor?: string;
}

export function pageOfAll<T>(all: readonly T[], { limit = DEFAULT_LIMIT, cursor }: PageQuery): { items: T[]; nextCursor: string | null } {
  const offset = offsetOf(cursor);
  return { items: all.slice(offset, offset + limit), nextCursor: cursorOf(offset + limit, all.length > offset + limit) };
}

/** @throws CURSOR_INVALID */
export function offsetOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const offset = Number(cursor);
  if (!/^\d+$/.test(cursor) || !Number.isSafeInteger(offset)) throw fail('CURSOR_INVALID', { cursor });
  return offset;
}

export function cursorOf(offset: number, hasMore: boolean): string | null {
  return hasMore ? String(offset) : null;
}
