/** `filter=` and `sort=` of GET /runs: `status=failed,seed>=2,tags.team="a, b",options.learningRate<1e-4` and `-createdAt`. */
import { fail } from '../errors.ts';
import { RUN_FIELDS, SORT_FIELDS, type Condition, type Operator, type RunField, type RunSort } from '../store/run-query.ts';
import { RunKind, RunStatus } from '../schemas/run.ts';

/** A field, an operator, and a value: quoted as in JSON, or anything up to the next comma. */
const CONDITION = /\s*([A-Za-z]+)(?:\.([A-Za-z0-9_.-]+))?\s*(!=|<=|>=|=|<|>)\s*("(?:[^"\\]|\\.)*"|[^,"]*)\s*(,|$)/y;
const INT = 2 ** 31;

/** @throws FILTER_INVALID saying what is wrong and what there is */
export function parseFilter(text: string): Condition[] {
  const conditions: Condition[] = [];
  const pattern = new RegExp(CONDITION);
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const [whole, name = '', key, operator = '', value = ''] = pattern.exec(text) ?? [];
    if (whole === undefined) throw fail('FILTER_INVALID', { detail: `"${text.slice(at)}" is no condition; write field=value, joined by commas` });
    conditions.push(condition(name, key, operator as Operator, value.trim()));
  }
  return conditions;
}

/** @throws FILTER_INVALID */
export function parseSort(text: string): RunSort {
  const isDescending = text.startsWith('-');
  const field = SORT_FIELDS.find((name) => name === text.replace(/^-/, ''));
  if (field === undefined) throw fail('FILTER_INVALID', { detail: `Runs cannot be sorted by "${text}"; there are ${SORT_FIELDS.join(', ')}, each also with a "-" before it` });
  return { field, isDescending };
}

function condition(name: string, key: string | undefined, operator: Operator, text: string): Condition {
  const isOrder = operator !== '=' && operator !== '!=';
  if ((name === 'tags' || name === 'options') && key !== undefined) {
    const value = name === 'tags' ? unquoted(text) : scalar(text);
    if (isOrder && typeof value !== 'number') throw fail('FILTER_INVALID', { detail: `${operator} compares numbers, and ${name}.${key} is compared with ${text || 'nothing'}` });
    return { field: { column: name, key }, operator, value };
  }
  if (key !== undefined || !isField(name)) throw fail('FILTER_INVALID', { detail: `There is no field "${key === undefined ? name : `${name}.${key}`}"; there are ${Object.keys(RUN_FIELDS).join(', ')}, tags.… and options.…` });
  const type = RUN_FIELDS[name];
  if (isOrder && type !== 'number' && type !== 'time') throw fail('FILTER_INVALID', { detail: `${operator} compares numbers and times, and ${name} is neither` });
  return { field: name, operator, value: valueOf(name, unquoted(text)) };
}

function valueOf(name: RunField, text: string): string | number | Date {
  const type = RUN_FIELDS[name];
  if (type === 'text') return text;
  if (type === 'number') {
    const number = Number(text);
    if (text === '' || !Number.isInteger(number) || Math.abs(number) >= INT) throw fail('FILTER_INVALID', { detail: `${name} is a whole number, and "${text}" is none` });
    return number;
  }
  if (type === 'time') {
    const time = new Date(text);
    if (Number.isNaN(time.getTime())) throw fail('FILTER_INVALID', { detail: `${name} is a time such as 2026-01-31T12:00:00Z, and "${text}" is none` });
    return time;
  }
  const allowed = (type === 'kind' ? RunKind : RunStatus).anyOf.map((literal) => literal.const);
  if (!allowed.some((value) => value === text)) throw fail('FILTER_INVALID', { detail: `${name} is one of ${allowed.join(', ')}, and "${text}" is none of them` });
  return text;
}

function isField(name: string): name is RunField {
  return Object.hasOwn(RUN_FIELDS, name);
}

function unquoted(text: string): string {
  return text.startsWith('"') ? String(parse(text)) : text;
}

/** Options are numbers, booleans, null and words. */
function scalar(text: string): string | number | boolean | null {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  const number = Number(text);
  return text !== '' && Number.isFinite(number) ? number : unquoted(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw fail('FILTER_INVALID', { detail: `${text} is not quoted as JSON quotes` });
  }
}
