/**
 * Strict validation: unknown keys are refused, nothing is converted in bodies; query strings and parameters are text and are converted.
 * Defaults are never filled in: a request is kept as it came, and what is absent must stay apart from what was said.
 */
import { Ajv, type Options, type ValidateFunction } from 'ajv';
import type { FastifyValidationResult } from 'fastify/types/schema.js';
import fp from 'fastify-plugin';
import { fail } from '../errors.ts';
import { isWithin } from './extent.ts';

// verbose: a refusal says the size it found beside the one that is allowed
const COMMON: Options = { removeAdditional: false, useDefaults: false, strict: false, validateFormats: false, verbose: true };
/** Values and letters of keys of a body all of whose errors are looked for: 16 MB of wrong numbers gave 8.3 million errors, 47 s and 4.7 GB. */
const MAX_EXTENT = 20_000;
/** Half a surrogate pair, which no UTF-8 can say, and U+0000, which Postgres does not keep. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

export const validation = fp(
  (app, _options, done) => {
    const text = new Ajv({ ...COMMON, allErrors: true, coerceTypes: true });
    const validatorOfBody = bodyValidators();
    app.setValidatorCompiler(({ schema, httpPart, contentType }) => {
      // parts are read one by one, and validated there
      if (contentType === 'multipart/form-data') return () => true;
      return httpPart === 'body' ? validatorOfBody(schema) : text.compile(schema as object);
    });
    // many clients send the header with every POST, whether they have a body or not; a route that needs one says so
    const parseJson = app.getDefaultJsonParser('error', 'error');
    app.removeContentTypeParser(['application/json', 'text/plain']);
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, content: string, next) => {
      if (content === '') next(null, undefined);
      else void parseJson(request, content, next);
    });
    // after validation, which bounds how deep a body is
    app.addHook('preHandler', (request, _reply, next) => {
      const { params, query, body: json, routeOptions } = request;
      if (routeOptions.config.isTextFree !== true) refuseUnstorable(json, '');
      refuseUnstorable(params, 'params:');
      refuseUnstorable(query, 'querystring:');
      next();
    });
    done();
  },
  { name: 'validation' },
);

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body's text goes to no database: what it may hold is checked where it is read. */
    readonly isTextFree?: boolean;
  }
}

/** The first error alone tells whether a body of any size is valid; all of them are looked for in small ones. */
function bodyValidators(): (schema: object) => FastifyValidationResult {
  const first = new Ajv({ ...COMMON, allErrors: false, coerceTypes: false });
  const every = new Ajv({ ...COMMON, allErrors: true, coerceTypes: false });
  return (schema) => {
    const isValid = first.compile(schema);
    let all: ValidateFunction | undefined; // most routes never need it
    return (body: unknown) => {
      if (isValid(body)) return true;
      const { errors: one } = isValid;
      if (!isWithin(body, MAX_EXTENT)) return { error: one ?? [] };
      all ??= every.compile(schema);
      return { error: all(body) ? (one ?? []) : (all.errors ?? []) };
    };
  };
}

/** @throws TEXT_NOT_STORABLE */
export function refuseUnstorable(value: unknown, pointer: string): void {
  if (typeof value === 'string') {
    const index = value.search(UNSTORABLE);
    if (index < 0) return;
    const what = value[index] === '\0' ? 'U+0000' : 'half a surrogate pair';
    throw fail('TEXT_NOT_STORABLE', { pointer, what, index }, { errors: [{ pointer, detail: `has ${what} at the UTF-16 index ${index}` }] });
  }
  if (typeof value !== 'object' || value === null) return;
  // one by one: a body may hold millions of words
  for (const [key, item] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    if (typeof key === 'string') refuseUnstorable(key, pointer);
    refuseUnstorable(item, `${pointer}/${key}`);
  }
}
