/** A service that runs: it makes a tar of the files, which is unpacked as it comes. */
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { fail } from '../../errors.ts';
import type { ApiClient } from '../client/api.ts';
import { CommandFailure } from '../client/failure.ts';
import { kindOf, type ExportSource, type SourceFile } from './source.ts';

export function serviceSource(client: ApiClient): ExportSource {
  return {
    async checkpointOf(name) {
      const kind = kindOf(name);
      if (kind === 'checkpoint') return name;
      if (kind === 'alias') return (await client.model(name))?.checkpointId ?? notFound(name);
      const checkpoints = await client.checkpoints(name);
      const best = checkpoints.find(({ isBest }) => isBest) ?? checkpoints.at(-1);
      if (best === undefined) throw new CommandFailure(`The run ${name} has no checkpoint`);
      return best.checkpointId;
    },
    async open(checkpointId, format) {
      const { sizeBytes, stream } = await client.download(checkpointId, format);
      return { sizeBytes, files: unpacked(stream) };
    },
    close: () => Promise.resolve(),
  };
}

async function* unpacked(stream: NodeJS.ReadableStream): AsyncGenerator<SourceFile> {
  const tar = extract();
  const piped = pipeline(telling(stream), tar);
  piped.catch(() => undefined); // the entries end in the same error
  try {
    for await (const entry of tar) {
      const { name, type } = entry.header;
      if (type !== 'file' || name !== basename(name)) throw new CommandFailure(`The service sent what is no file of an export: ${name}`);
      yield { name, chunks: () => entry as AsyncIterable<Uint8Array> };
    }
    await piped;
  } finally {
    tar.destroy();
  }
}

async function* telling(stream: AsyncIterable<unknown>): AsyncGenerator {
  try {
    yield* stream;
  } catch (cause) {
    throw new CommandFailure(`The service broke off: ${(cause as Error).message}`, { cause });
  }
}

function notFound(model: string): never {
  throw fail('MODEL_NOT_FOUND', { model });
}
