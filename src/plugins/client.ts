/** Who asks, so that the tagger's clients take turns: an API key, or an address where none are asked for. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { keyOf } from './api-keys.ts';

/** A digest: no key leaves this process. Of the key alone: Basic's name is free, and a client with many names would have many turns. */
export function clientOf({ headers, ip, server }: FastifyRequest): string {
  const name = server.dependencies.config.apiKeysFile === undefined ? ip : keyOf(headers.authorization ?? '');
  return createHash('sha256').update(name).digest('base64url').slice(0, 16);
}
