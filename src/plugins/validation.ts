/**
 * Strict validation: unknown keys are refused, nothing is converted in bodies; query strings and parameters are text and are converted.
 * Defaults are never filled in: a request is kept as it came, and what is absent must stay apart from what was said.
 */
import { Ajv, type Options } from 'ajv';
import fp from 'fastify-plugin';
import { fail } from '../errors.ts';

const COMMON: Options = { allErrors: true, removeAdditional: false, useDefaults: false, strict: false, validateFormats: false };
/** Half a surrogate pair, which no UTF-8 can say, and U+0000, which Postgres does not keep. */
const UNSTORABLE = /[\0\p{Surrogate}]/u;

export const validation = fp(
  (app, _options, done) => {
    const body = new Ajv({ ...COMMON, coerceTypes: false });
    const text = new Ajv({ ...COMMON, coerceTypes: true });
    app.setValidatorCompiler(({ schema, httpPart, contentType }) => {
      // parts are read one by one, and validated there
      if (contentType === 'multipart/form-data') return () => true;
      return (httpPart === 'body' ? body : text).compile(schema as object);
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

/** @throws TEXT_NOT_STORABLE */
export function refuseUnstorable(value: unknown, pointer: string): void {
  if (typeof value === 'string') {
    const index = value.search(UNSTORABLE);
    if (index < 0) return;
    const what = value[index] === '\0' ? 'U+0000' : 'half a surrogate pair';
    throw fail('TEXT_NOT_STORABLE', { pointer, what, index }, { errors: [{ pointer, detail: `has ${what} at the UTF-16 index ${index}` }] });
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    refuseUnstorable(key, pointer);
    refuseUnstorable(item, `${pointer}/${key}`);
  }
}
