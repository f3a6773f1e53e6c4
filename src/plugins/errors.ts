/** Every error, the framework's own included, leaves as application/problem+json (RFC 9457). */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { ERRORS, MtmtError, type Place } from '../errors.ts';
import type { Problem } from '../schemas/problem.ts';

const MAX_PLACES = 100;

interface Answer {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly Place[] | undefined;
}

export const errors = fp(
  (app, _options, done) => {
    app.setErrorHandler((error: FastifyError, request, reply) => {
      const answer = answerOf(error);
      if (answer.status >= 500) request.log.error({ err: error, code: answer.code }, 'request failed');
      return sendProblem(request, reply, answer);
    });
    app.setNotFoundHandler((request, reply) => {
      const other = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) => app.hasRoute({ method: method, url: request.url.split('?')[0] ?? '' }));
      if (other.length > 0) {
        void reply.header('allow', other.join(', '));
        return sendProblem(request, reply, { ...of('METHOD_NOT_ALLOWED'), detail: `${request.method} is not allowed here; allowed: ${other.join(', ')}` });
      }
      return sendProblem(request, reply, { ...of('ROUTE_NOT_FOUND'), detail: `There is no ${request.method} ${request.url.split('?')[0]}` });
    });
    done();
  },
  { name: 'errors' },
);

export function sendProblem(request: FastifyRequest, reply: FastifyReply, { code, status, title, detail, errors }: Answer): FastifyReply {
  const problem: Problem = {
    type: `urn:mtmt:problem:${code}`,
    title,
    status,
    detail,
    code,
    requestId: request.id,
    ...(errors !== undefined && { errors: errors.slice(0, MAX_PLACES).map((place) => ({ ...place })) }),
  };
  if (status === 503 && !reply.hasHeader('retry-after')) void reply.header('retry-after', '1');
  // serialized here: a route's response schema would be applied to it otherwise
  return reply
    .code(status)
    .type('application/problem+json')
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(problem);
}

function answerOf(error: FastifyError): Answer {
  if (error instanceof MtmtError) {
    const { code, status, title, message, errors } = error;
    // what went wrong inside stays inside; 503 tells what is missing
    return status >= 500 && status !== 503 ? { ...of('INTERNAL'), detail: ERRORS.INTERNAL.message({}) } : { code, status, title, detail: message, errors };
  }
  if (error.validation !== undefined) {
    const part = error.validationContext ?? 'body';
    const places = error.validation.map(({ instancePath, keyword, message, params }) => placeOf({ part, path: instancePath, keyword, message: message ?? 'is not valid', params }));
    const detail = `The ${part} is not valid: ${places[0]?.pointer ?? ''} ${places[0]?.detail ?? ''}`.trim();
    return { ...of('REQUEST_INVALID'), detail, errors: places };
  }
  const status = error.statusCode ?? 500;
  if (status >= 500) return { ...of('INTERNAL'), detail: ERRORS.INTERNAL.message({}) };
  const code = CODE_OF_STATUS[status] ?? 'REQUEST_INVALID';
  return { ...of(code), status, detail: error.message };
}

const CODE_OF_STATUS: Record<number, 'UPLOAD_TOO_LARGE' | 'MEDIA_TYPE' | 'REQUEST_INVALID'> = { 413: 'UPLOAD_TOO_LARGE', 415: 'MEDIA_TYPE', 406: 'MEDIA_TYPE' };

function of(code: keyof typeof ERRORS): Omit<Answer, 'detail'> {
  return { code, status: ERRORS[code].status, title: ERRORS[code].title };
}

function placeOf({ part, path, keyword, message, params }: { part: string; path: string; keyword: string; message: string; params: Record<string, unknown> }): Place {
  const missing = keyword === 'required' ? `/${String(params['missingProperty'])}` : '';
  const unknown = keyword === 'additionalProperties' ? `/${String(params['additionalProperty'])}` : '';
  const allowed = keyword === 'const' ? `: ${JSON.stringify(params['allowedValue'])}` : '';
  const detail = missing !== '' ? 'is missing' : unknown !== '' ? 'is not known here' : `${message}${allowed}`;
  const pointer = `${path}${missing}${unknown}`;
  return { pointer: part === 'body' ? pointer : `${part}:${pointer}`, detail };
}
