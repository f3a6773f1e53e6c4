/** Which code this is. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const SOURCES = new URL('..', import.meta.url);
/** Folders that decide no graph, the largest ones. */
const OTHERS = /^(?:cli|dashboard|datasets|demo|plugins|routes|runs|setup|storage|store)\//;

let digest: string | undefined;

/** SHA-256 of the sources that may decide a graph. */
export function sourceDigest(): string {
  if (digest !== undefined) return digest;
  const hash = createHash('sha256');
  const names = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts') && !OTHERS.test(name));
  for (const name of names.sort()) hash.update(`${name}\n`).update(readFileSync(new URL(name, SOURCES)));
  return (digest = hash.digest('hex'));
}
