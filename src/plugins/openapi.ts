/** The OpenAPI document from the routes' schemas, at /openapi.json, and its pages at /docs. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifySchema } from 'fastify';
import fp from 'fastify-plugin';
import { ERRORS } from '../errors.ts';
import { Problem } from '../schemas/problem.ts';

const TAGS = {
  datasets: 'Labeled sentences, raw text and pairs of words',
  encoders: 'Pretrained encoders',
  experiments: 'Questions, and the runs that answer them',
  runs: 'Training: teachers and students',
  models: 'Checkpoints and the aliases that serve them',
  tagging: 'Entities of texts',
  'label studio': 'An ML backend of Label Studio: its address is /label-studio/ and the name of a model',
  operations: 'Health, metrics, documents',
};

export const openApi = fp(
  async (app) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: { title: 'mtmt', version: '0.1.0', description: 'Cross-lingual named-entity recognition as a service: train two teachers on labeled text in one language, distil a student for others, tag text.' },
        tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      },
      transform: ({ schema, url }) => ({ schema: { ...schema, ...(schema.hide === true ? {} : { response: withProblem(schema) }) }, url }),
      transformObject: (document) => {
        if (!('openapiObject' in document)) return document.swaggerObject;
        const { components, value } = hoist(document.openapiObject);
        const codes = Object.entries(ERRORS).map(([code, { status, title }]) => [code, { status, title }] as const);
        const whole = { ...(value as object), components: { schemas: components }, 'x-error-codes': Object.fromEntries(codes) };
        return whole as typeof document.openapiObject;
      },
    });
    await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { docExpansion: 'list', tryItOutEnabled: true } });
    app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  },
  { name: 'openapi' },
);

function withProblem(schema: FastifySchema): object {
  const response = (schema.response ?? {}) as Record<string, unknown>;
  return { ...response, default: { description: 'What went wrong', content: { 'application/problem+json': { schema: Problem } } } };
}

/** Schemas with a title become components, named once and referred to. */
function hoist(document: unknown): { components: Record<string, unknown>; value: unknown } {
  const components: Record<string, unknown> = {};
  const visit = (value: unknown, isSchema: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => visit(item, isSchema));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, item]) => [key, visit(item, isSchema || key === 'schema')]);
    const copy = Object.fromEntries(entries) as Record<string, unknown>;
    const { title } = copy;
    if (!isSchema || typeof title !== 'string' || !('type' in copy || 'anyOf' in copy)) return copy;
    components[title] ??= copy;
    return { $ref: `#/components/schemas/${title}` };
  };
  const value = visit(document, false);
  return { components: Object.fromEntries(Object.entries(components).sort(([a], [b]) => (a < b ? -1 : 1))), value };
}
