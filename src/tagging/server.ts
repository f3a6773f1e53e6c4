/** The tagger's HTTP server: JSON between the API and the models, not for the outer world. */
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { fail, MtmtError } from '../errors.ts';
import { NerRequest } from '../schemas/ner.ts';
import type { Tagging } from './tag.ts';

/** More than the API takes itself. */
const BODY_LIMIT_BYTES = 64 * 1024 ** 2;
/** Whose turn a request takes. */
export const CLIENT_HEADER = 'x-mtmt-client';

export interface TaggerServerOptions {
  readonly tagging: Tagging;
  readonly device: string;
  /** Checkpoints in memory. */
  readonly models: () => string[];
  readonly log: FastifyBaseLogger;
  readonly bodyLimitBytes?: number;
}

/** What goes wrong, as the client reads it. */
export interface TaggerProblem {
  readonly code: string;
  readonly detail: string;
  readonly errors?: MtmtError['errors'];
}

export function taggerServer({ tagging, device, models, log, bodyLimitBytes = BODY_LIMIT_BYTES }: TaggerServerOptions): FastifyInstance {
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: 'idle',
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  });
  // neither idle connections of the API nor those that are answered last may keep an ending tagger alive
  let isEnding = false;
  app.addHook('preClose', (done) => {
    isEnding = true;
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isEnding) void reply.header('connection', 'close');
    done();
  });
  app.post<{ Body: NerRequest }>('/tag', { schema: { body: NerRequest } }, async (request, reply) => {
    const startedAt = performance.now();
    const client = request.headers[CLIENT_HEADER];
    const response = await tagging.tag(request.body, { signal: abandoned(request, reply), client: typeof client === 'string' ? client : undefined });
    log.debug({ checkpointId: response.model.checkpointId, texts: response.results.length, durationMs: performance.now() - startedAt }, 'tagged');
    return response;
  });
  app.get('/ready', () => ({ ok: true, device, models: models(), waiting: tagging.waiting() }));
  app.setErrorHandler((error, request, reply) => {
    const { status, problem, retryAfterSeconds = 1 } = describe(error, request, bodyLimitBytes);
    // messages of parsers quote what they read: they are the client's text, and stay out of the log
    if (status >= 500 && problem.code !== 'OVERLOADED') log.error({ err: error, code: problem.code }, 'tagging failed');
    if (status === 503) void reply.header('retry-after', retryAfterSeconds);
    return reply.code(status).send(problem);
  });
  return app;
}

/** Aborted once the client has gone, so that nothing is computed for nobody. */
function abandoned(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const aborting = new AbortController();
  request.raw.socket.once('close', abort);
  reply.raw.once('finish', () => request.raw.socket.off('close', abort));
  return aborting.signal;

  function abort(): void {
    aborting.abort(new ClientGone());
  }
}

class ClientGone extends Error {}

function describe(error: unknown, request: FastifyRequest, maxBytes: number): { status: number; problem: TaggerProblem; retryAfterSeconds?: number | undefined } {
  if (error instanceof MtmtError) {
    const { status, code, message, errors, retryAfterSeconds } = error;
    return { status, problem: { code, detail: message, ...(errors && { errors }) }, retryAfterSeconds };
  }
  if (error instanceof ClientGone) return { status: 499, problem: { code: 'INTERNAL', detail: 'the client has gone' } };
  const { statusCode = 500, message = '', validation } = error as { statusCode?: number; message?: string; validation?: unknown };
  if (statusCode === 413) return describe(fail('BODY_TOO_LARGE', { sizeBytes: Number(request.headers['content-length']) || null, maxBytes }), request, maxBytes);
  if (statusCode >= 500) return { status: 500, problem: { code: 'INTERNAL', detail: 'Something went wrong on our side' } };
  return { status: statusCode, problem: { code: 'NER_INPUT_INVALID', detail: validation === undefined ? 'The body is not valid JSON' : message } };
}
