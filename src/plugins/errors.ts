/** Every error, the framework's own included, leaves as application/problem+json (RFC 9457). */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { ERRORS, fail, MtmtError, type ErrorCode, type Place } from '../errors.ts';
import type { Problem } from '../schemas/problem.ts';
import { describeError } from './error-log.ts';
import { placesOf } from './places.ts';

const MAX_PLACES = 100;
/** Of an answer that is not sent now. */
const HEADERS_OF_CONTENT = ['content-disposition', 'content-length', 'etag'];
const CODE_OF_STATUS: Partial<Record<number, ErrorCode>> = { 404: 'ROUTE_NOT_FOUND', 406: 'MEDIA_TYPE', 413: 'BODY_TOO_LARGE', 415: 'MEDIA_TYPE' };

export interface Answer {
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly Place[] | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
}

export const errors = fp(
  (app, _options, done) => {
    app.setErrorHandler(answerError);
    const routes: Route[] = [];
    app.addHook('onRoute', ({ method, url }) => {
      for (const name of [method].flat()) routes.push({ method: name, path: patternOf(url) });
    });
    app.setNotFoundHandler((request, reply) => {
      const path = request.url.split('?')[0] ?? '';
      const allowed = [...new Set(routes.filter((route) => route.path.test(path)).map(({ method }) => method))].sort();
      if (allowed.length === 0) throw fail('ROUTE_NOT_FOUND', { route: `${request.method} ${path}` });
      void reply.header('allow', allowed.join(', '));
      throw fail('METHOD_NOT_ALLOWED', { method: request.method, allowed: allowed.join(', ') });
    });
    done();
  },
  { name: 'errors' },
);

/** For errors in handlers, and for those that the framework has before it knows a route. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  // what was given up is nobody's error: it ends as the status that nginx logs, and that metrics count apart
  const answer = isGivenUp(error, reply) ? answerWith('CLIENT_GONE') : answerOf(error, request);
  if (answer.status >= 500) request.log.error({ requestId: request.id, code: answer.code, error: describeError(error) }, 'request failed');
  const { code, status, title, detail, errors: places, retryAfterSeconds = 1 } = answer;
  const problem: Problem = {
    type: `urn:mtmt:problem:${code}`,
    title,
    status,
    detail,
    code,
    requestId: request.id,
    ...(places !== undefined && { errors: places.slice(0, MAX_PLACES).map((place) => ({ ...place })) }),
  };
  for (const name of HEADERS_OF_CONTENT) void reply.removeHeader(name);
  void reply.header('x-request-id', request.id);
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  if (status === 503 && !reply.hasHeader('retry-after')) void reply.header('retry-after', retryAfterSeconds);
  // serialized here: a route's response schema would be applied to it otherwise
  return reply
    .code(status)
    .type('application/problem+json')
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(problem);
}

function answerOf(error: FastifyError | MtmtError, request: FastifyRequest): Answer {
  if (error instanceof MtmtError) {
    const { code, status, title, message, errors: places, retryAfterSeconds } = error;
    // what went wrong inside stays inside; 503 tells what is missing
    return status >= 500 && status !== 503 ? answerWith('INTERNAL') : { code, status, title, detail: message, errors: places, retryAfterSeconds };
  }
  if (error.validation !== undefined) {
    const part = error.validationContext ?? 'body';
    if (part === 'body' && (request.body === undefined || request.body === null)) return answerWith('BODY_MISSING');
    const places = placesOf(part, error.validation);
    const [first] = places;
    return { ...answerWith('REQUEST_INVALID', `The ${part} is not valid: ${`${first?.pointer ?? ''} ${first?.detail ?? ''}`.trim()}`), errors: places };
  }
  const status = error.statusCode ?? 500;
  if (status >= 500) return answerWith('INTERNAL');
  if ('code' in error && error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return answerOf(bodyTooLarge(request), request);
  return { ...answerWith(CODE_OF_STATUS[status] ?? 'REQUEST_INVALID', error.message), status };
}

/** `clientGone` has aborted what was under way. */
function isGivenUp(error: Error, { raw }: FastifyReply): boolean {
  return error.name === 'AbortError' && raw.destroyed && !raw.writableFinished;
}

function bodyTooLarge({ headers, routeOptions }: FastifyRequest): MtmtError {
  const sizeBytes = Number(headers['content-length']) || null;
  return fail('BODY_TOO_LARGE', { sizeBytes, maxBytes: routeOptions.bodyLimit });
}

function answerWith(code: ErrorCode, detail?: string): Answer {
  const { status, title, message } = ERRORS[code];
  return { code, status, title, detail: detail ?? (message as (values: object) => string)({}) };
}

/** `/datasets/:datasetId/pairs` -> what its addresses look like. */
function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace('*', '.*')));
  return new RegExp(`^${parts.join('/')}$`);
}
