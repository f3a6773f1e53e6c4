/** Lists in pages, newest first, by an opaque cursor that survives inserts and deletions. */
import { fail } from '../errors.ts';

export interface Page<T> {
  readonly items: T[];
  readonly nextCursor: string | null;
}

export interface PageRequest {
  /** 1 to 200. */
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** As `newId` makes them: a cursor comes from outside, and not every string can be put to Postgres. */
const ID = /^[a-z]{1,8}_[0-9a-z]{1,40}$/;

interface Position {
  readonly createdAt: string;
  readonly id: string;
}

/** `where` of rows after the cursor in the order (createdAt desc, id desc). */
export function afterCursor(cursor: string | undefined, idField: string): object {
  if (cursor === undefined) return {};
  const { createdAt, id } = decode(cursor);
  return { OR: [{ createdAt: { lt: new Date(createdAt) } }, { createdAt: new Date(createdAt), [idField]: { lt: id } }] };
}

/** @param rows up to limit + 1, of which the last only shows that there is more */
export function toPage<T extends { createdAt: Date }>(rows: readonly T[], limit: number, idOf: (row: T) => string): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  return { items, nextCursor: hasMore ? encode({ createdAt: last.createdAt.toISOString(), id: idOf(last) }) : null };
}

function encode(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function decode(cursor: string): Position {
  try {
    const position = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as Position;
    if (ID.test(position.id) && new Date(position.createdAt).toISOString() === position.createdAt) return position;
  } catch {
    // falls through to the one error
  }
  throw fail('CURSOR_INVALID', { cursor });
}
