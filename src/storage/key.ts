/** Names of artifacts: they say the digest of the content, so that whoever reads it whole can tell whether it is the right one. */
import { createHash } from 'node:crypto';
import { fail } from '../errors.ts';

/** No dots in the prefix: a key cannot lead out of a folder. */
const KEY = /^([a-z][a-z0-9-]*)\/([0-9a-f]{64})\.[a-z0-9]+$/;

/** @param hash hexadecimal */
export function keyOf(prefix: string, hash: string, extension: string): string {
  return `${prefix}/${hash}.${extension}`;
}

export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** @returns the hexadecimal digest that the key says. @throws ARTIFACT_NOT_FOUND for what no `write` has given */
export function hashOf(key: string): string {
  const hash = KEY.exec(key)?.[2];
  if (hash === undefined) throw fail('ARTIFACT_NOT_FOUND', { key });
  return hash;
}

/** Passes the whole content on. @throws ARTIFACT_DAMAGED at its end, naming both digests */
export async function* verified(key: string, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const expected = hashOf(key);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of content) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    yield chunk;
  }
  const found = hash.digest('hex');
  if (found !== expected) throw fail('ARTIFACT_DAMAGED', { key, detail: `its ${sizeBytes} bytes have the digest sha256:${found}, expected sha256:${expected}` });
}
