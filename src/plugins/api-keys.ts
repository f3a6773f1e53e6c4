/**
 * Where API_KEYS_FILE is set, every route but health, docs and the page wants `Authorization: Bearer <key>`: one key a line in the file, # begins a
 * comment. Label Studio and others know names and passwords only: the key may be Basic's password, whatever the name.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import fp from 'fastify-plugin';
import { fail } from '../errors.ts';

const OPEN = new Set(['/', '/health/live', '/health/ready', '/openapi.json', '/docs']);

export const apiKeys = fp(
  async (app) => {
    const file = app.dependencies.config.apiKeysFile;
    if (file === undefined) return;
    const digests = (await readKeys(file)).map(digestOf);
    app.addHook('onRequest', (request, _reply, next) => {
      const route = request.routeOptions.url ?? '';
      if (OPEN.has(route) || route.startsWith('/docs/')) return next();
      const given = digestOf(keyOf(request.headers.authorization ?? ''));
      // digests have one length, so that the comparison takes the same time for any key
      if (!digests.some((known) => timingSafeEqual(known, given))) return next(fail('UNAUTHORIZED', {}));
      next();
    });
  },
  { name: 'api-keys' },
);

/** Empty where there is none, which no line of the file is. */
export function keyOf(authorization: string): string {
  const [, scheme = '', credentials = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() !== 'basic') return credentials;
  const pair = Buffer.from(credentials, 'base64').toString();
  return pair.includes(':') ? pair.slice(pair.indexOf(':') + 1) : '';
}

export async function readKeys(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.replace(/#.*/, '').trim());
  return lines.filter((line) => line !== '');
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
