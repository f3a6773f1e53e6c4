/** What Ajv finds wrong, as places that a person can act on. */
import type { FastifySchemaValidationError } from 'fastify/types/schema.js';
import type { Place } from '../errors.ts';

export interface InvalidPart extends FastifySchemaValidationError {
  /** What was found. */
  readonly data?: unknown;
}

/** Of a pointer, whose names are the client's, and of any length. */
const MAX_POINTER_CHARS = 500;
/** Said again by the places of its branches. */
const SUMMARIES: readonly string[] = ['anyOf', 'oneOf', 'if'];

/**
 * One place a value, whatever number of rules it breaks.
 * @param part where the value is: a pointer into the body stands alone, others are `querystring:/limit`
 */
export function placesOf(part: string, found: readonly InvalidPart[]): Place[] {
  const byPointer = new Map<string, InvalidPart[]>();
  const within = new Set(found.flatMap((error) => parentsOf(pointerOf(error))));
  for (const error of found) {
    // that a value is none of several forms, or could have been null, helps nobody where something within it is wrong
    if (isVague(error) && within.has(error.instancePath)) continue;
    const pointer = clipped(pointerOf(error));
    const known = byPointer.get(pointer);
    if (known === undefined) byPointer.set(pointer, [error]);
    else known.push(error);
  }
  return [...byPointer].map(([pointer, errors]) => ({ pointer: part === 'body' ? pointer : `${part}:${pointer}`, detail: detailOf(errors) }));
}

function pointerOf({ instancePath, keyword, params }: InvalidPart): string {
  const name = keyword === 'required' ? params['missingProperty'] : keyword === 'additionalProperties' ? params['additionalProperty'] : undefined;
  return typeof name !== 'string' ? instancePath : `${instancePath}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function isVague({ keyword, params }: InvalidPart): boolean {
  return SUMMARIES.includes(keyword) || (keyword === 'type' && params['type'] === 'null');
}

/** /a/b -> '' and /a */
function parentsOf(pointer: string): string[] {
  return [...pointer.matchAll(/\//g)].map(({ index }) => pointer.slice(0, index));
}

function clipped(pointer: string): string {
  return pointer.length <= MAX_POINTER_CHARS ? pointer : `${pointer.slice(0, MAX_POINTER_CHARS)}…`;
}

function detailOf(errors: readonly InvalidPart[]): string {
  const allowed = errors.filter(({ keyword }) => keyword === 'const').map(({ params }) => JSON.stringify(params['allowedValue']));
  const others = errors.filter(({ keyword }) => keyword !== 'const' && !SUMMARIES.includes(keyword)).map(textOf);
  const all = [...(allowed.length > 0 ? [`must be ${oneOf(allowed)}`] : []), ...others];
  return [...new Set(all)].join(allowed.length > 0 ? ' or ' : ', ') || 'is not valid';
}

function textOf({ keyword, message, params, data }: InvalidPart): string {
  if (keyword === 'maxItems' && Array.isArray(data)) return `has ${data.length} items, at most ${String(params['limit'])} are taken`;
  if (keyword === 'maxLength' && typeof data === 'string') return `has ${lengthOf(data)} characters, at most ${String(params['limit'])} are taken`;
  if (keyword === 'required') return 'is missing';
  if (keyword === 'additionalProperties') return 'is not known here';
  if (keyword === 'pattern') return `must match ${String(params['pattern'])}`;
  if (keyword === 'type') return `must be ${String(params['type'])}`;
  return message ?? 'is not valid';
}

/** In code points, as a schema counts; millions of them make no array. */
function lengthOf(text: string): number {
  let pairs = 0;
  for (let index = 0; index < text.length; index++) if ((text.codePointAt(index) ?? 0) > 0xffff) pairs++;
  return text.length - pairs;
}

function oneOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : `one of ${values.join(', ')}`;
}
