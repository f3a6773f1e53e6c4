/** The end of each request, whether its answer has gone or its client before it, of which Fastify says nothing. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS } from '../errors.ts';

type Hear = (request: FastifyRequest, reply: FastifyReply, status: number) => void;

/** Once for each request, with the status of its answer, or 499 where the client has left before one began. A stream that is left has no end. */
export function onEnded(app: Pick<FastifyInstance, 'addHook'>, hear: Hear): void {
  const left = new WeakSet<FastifyRequest>();
  app.addHook('onRequest', (request, reply, next) => {
    reply.raw.once('close', () => {
      if (reply.raw.headersSent) return;
      left.add(request);
      hear(request, reply, ERRORS.CLIENT_GONE.status);
    });
    next();
  });
  app.addHook('onResponse', (request, reply, next) => {
    if (!left.has(request)) hear(request, reply, reply.statusCode);
    next();
  });
}
