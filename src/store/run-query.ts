/** Which runs a list holds, and in what order: conditions and keyset cursors as Prisma takes them. */
import { fail } from '../errors.ts';
import { Prisma } from './generated/client.ts';

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** What a condition may ask about, and what its value is. */
export const RUN_FIELDS = {
  runId: 'text',
  experimentId: 'text',
  kind: 'kind',
  status: 'status',
  name: 'text',
  encoder: 'text',
  device: 'text',
  worker: 'text',
  seed: 'number',
  priority: 'number',
  attempt: 'number',
  createdAt: 'time',
  startedAt: 'time',
  endedAt: 'time',
} as const;
export type RunField = keyof typeof RUN_FIELDS;

export interface Condition {
  /** A column, or a key of the JSON columns `tags` and `options`. */
  readonly field: RunField | { readonly column: 'tags' | 'options'; readonly key: string };
  readonly operator: Operator;
  readonly value: string | number | boolean | null | Date;
}

export const SORT_FIELDS = ['createdAt', 'name', 'seed', 'priority'] as const;
export interface RunSort {
  readonly field: (typeof SORT_FIELDS)[number];
  readonly isDescending: boolean;
}
export const NEWEST_FIRST: RunSort = { field: 'createdAt', isDescending: true };

/** What may be absent, and then differs from any value; SQL would say null. */
const NULLABLE: readonly string[] = ['device', 'worker', 'startedAt', 'endedAt'];
const COMPARISONS = { '<': 'lt', '<=': 'lte', '>': 'gt', '>=': 'gte' } as const;

export function whereOf(conditions: readonly Condition[]): Prisma.RunWhereInput[] {
  return conditions.map(({ field, operator, value }) => {
    if (typeof field === 'object') {
      const path = [field.key];
      const json = value ?? Prisma.JsonNull;
      if (operator === '=') return { [field.column]: { path, equals: json } };
      if (operator === '!=') return { OR: [{ [field.column]: { path, equals: Prisma.DbNull } }, { [field.column]: { path, not: json } }] };
      return { [field.column]: { path, [COMPARISONS[operator]]: value } };
    }
    const column = field === 'encoder' ? 'encoderId' : field;
    if (operator === '=') return { [column]: value };
    if (operator === '!=') return NULLABLE.includes(column) ? { OR: [{ [column]: null }, { [column]: { not: value } }] } : { [column]: { not: value } };
    return { [column]: { [COMPARISONS[operator]]: value } };
  });
}

export function orderOf({ field, isDescending }: RunSort): Prisma.RunOrderByWithRelationInput[] {
  const direction = isDescending ? 'desc' : 'asc';
  return [{ [field]: direction }, { runId: direction }];
}

interface Position {
  readonly sort: string;
  readonly value: string | number;
  readonly id: string;
}

export function cursorAfter(row: { runId: string; createdAt: Date; name: string; seed: number; priority: number }, sort: RunSort): string {
  const value = row[sort.field];
  const position: Position = { sort: nameOf(sort), value: value instanceof Date ? value.toISOString() : value, id: row.runId };
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** @throws CURSOR_INVALID, also for a cursor of another order */
export function afterPosition(cursor: string | undefined, sort: RunSort): Prisma.RunWhereInput {
  if (cursor === undefined) return {};
  const { value, id } = decode(cursor, sort);
  const beyond = sort.isDescending ? 'lt' : 'gt';
  const at = sort.field === 'createdAt' ? new Date(value) : value;
  return { OR: [{ [sort.field]: { [beyond]: at } }, { [sort.field]: at, runId: { [beyond]: id } }] };
}

function decode(cursor: string, sort: RunSort): Position {
  try {
    const position = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as Position;
    const { value, id } = position;
    const isNumber = sort.field === 'seed' || sort.field === 'priority';
    const isKind = isNumber ? Number.isInteger(value) : typeof value === 'string' && !value.includes('\0');
    const isTime = sort.field !== 'createdAt' || new Date(value).toISOString() === value;
    if (position.sort === nameOf(sort) && isKind && isTime && /^run_[0-9a-z]{1,40}$/.test(id)) return position;
  } catch {
    // falls through to the one error
  }
  throw fail('CURSOR_INVALID', { cursor });
}

function nameOf({ field, isDescending }: RunSort): string {
  return `${isDescending ? '-' : ''}${field}`;
}
