/** `Idempotency-Key` on POSTs that create: the same key and body replay the stored answer. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { fail } from '../errors.ts';
import { claimKey, releaseKey, storeAnswer } from '../store/idempotency.ts';

export interface Created<T extends object> {
  readonly statusCode: number;
  readonly body: T;
}

/** @param body what makes the request the same: the parsed body, or fields and digest of an upload */
export async function idempotently<T extends object>(request: FastifyRequest, reply: FastifyReply, body: unknown, work: () => Promise<Created<T>>): Promise<T> {
  const { store } = request.server.dependencies;
  const header = request.headers['idempotency-key'];
  const key = Array.isArray(header) ? header[0] : header;
  if (key === undefined) return answer(reply, await work());
  if (key.length > 255 || key === '') throw fail('IDEMPOTENCY_KEY_INVALID', {});
  const route = `${request.method} ${request.url.split('?')[0] ?? ''}`;
  const use = { key, route, bodyDigest: createHash('sha256').update(JSON.stringify(body ?? null)).digest('hex') };
  const claim = await claimKey(store, use);
  if (claim.state === 'different') throw fail('IDEMPOTENCY_KEY_REUSED', { key });
  if (claim.state === 'busy') throw fail('IDEMPOTENCY_KEY_BUSY', { key });
  if (claim.state === 'answered') {
    void reply.header('idempotency-replayed', 'true');
    return answer(reply, { statusCode: claim.statusCode, body: claim.response as T });
  }
  try {
    const created = await work();
    await storeAnswer(store, use, { statusCode: created.statusCode, response: created.body });
    return answer(reply, created);
  } catch (error) {
    await releaseKey(store, use);
    throw error;
  }
}

function answer<T extends object>(reply: FastifyReply, { statusCode, body }: Created<T>): T {
  void reply.code(statusCode);
  return body;
}
