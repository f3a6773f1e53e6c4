/** Who asks, so that the tagger's clients take turns: an API key, or an address where none are asked for. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';

/** A digest: no key leaves this process. */
export function clientOf({ headers, ip, server }: FastifyRequest): string {
  const name = server.dependencies.config.apiKeysFile === undefined ? ip : (headers.authorization ?? ip);
  return createHash('sha256').update(name).digest('base64url').slice(0, 16);
}
