/** What ran a run, for its row and its checkpoints. */
import { readFileSync } from 'node:fs';

export function versions(): Record<string, string> {
  const { version, dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
  };
  const library = (name: string): Record<string, string> => ({ [name]: dependencies[name] ?? 'unknown' });
  return { mtmt: version, node: process.versions.node, platform: `${process.platform}-${process.arch}`, ...library('@tensorflow/tfjs-node-gpu'), ...library('tokenizers') };
}
