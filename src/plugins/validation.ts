/** Strict validation: unknown keys are refused, nothing is converted in bodies; query strings and parameters are text and are. */
import { Ajv, type Options } from 'ajv';
import fp from 'fastify-plugin';

const COMMON: Options = { allErrors: true, removeAdditional: false, useDefaults: true, strict: false, validateFormats: false };

export const validation = fp(
  (app, _options, done) => {
    const body = new Ajv({ ...COMMON, coerceTypes: false });
    const text = new Ajv({ ...COMMON, coerceTypes: true });
    app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? body : text).compile(schema as object));
    done();
  },
  { name: 'validation' },
);
