/** A signal that is aborted once the client has gone, so that nothing is computed for nobody. */
import type { FastifyReply } from 'fastify';

export function clientGone(reply: FastifyReply): AbortSignal {
  const leaving = new AbortController();
  // of the answer, not of the request: that one closes as soon as it is read
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) leaving.abort();
  });
  return leaving.signal;
}
