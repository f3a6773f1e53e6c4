/** A checkpoint as one tar that transformers loads once unpacked. Equal input gives equal bytes, so Range and ETag hold across restarts. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pack, type Pack } from 'tar-stream';
import type { InstalledEncoder } from '../encoders/registry.ts';
import type { ByteRange, Storage } from '../storage/storage.ts';
import { modelCard, type CardFacts } from './card.ts';
import { modelConfig, modelWeights, tokenizerConfig } from './hugging-face.ts';
import { loadCheckpoint } from './load.ts';
import { assertMatches, type Manifest } from './manifest.ts';

const DOWNLOADS_PREFIX = 'downloads';
/** Time of every entry: the archive's bytes must not depend on when it was built. */
const EPOCH = new Date(0);

export interface Download {
  /** Quoted, as HTTP has it. */
  readonly etag: string;
  readonly sizeBytes: number;
  stream(range?: ByteRange): Readable;
}

export interface CheckpointDownloads {
  /** @throws CHECKPOINT_NOT_FOUND, CHECKPOINT_MISMATCH, CHECKPOINT_BROKEN, ENCODER_NOT_FOUND */
  open(checkpointId: string): Promise<Download>;
}

/** What an archive is made of. */
export interface DownloadParts {
  readonly storageKey: string;
  readonly manifest: Manifest;
  readonly encoder: InstalledEncoder;
  readonly card: Omit<CardFacts, 'manifest' | 'encoder'>;
}

interface Archive {
  readonly key: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** @param find reads the rows that belong to a checkpoint; this folder knows no database */
export function createDownloads(storage: Storage, find: (checkpointId: string) => Promise<DownloadParts>): CheckpointDownloads {
  // By what they are made of: a second request for the same, even at the same time, builds nothing.
  const built = new Map<string, Promise<Archive>>();
  async function archive(parts: DownloadParts): Promise<Archive> {
    const fingerprint = createHash('sha256').update(JSON.stringify([parts.manifest, parts.card])).digest('hex');
    const known = await built.get(fingerprint);
    if (known !== undefined && (await storage.stat(known.key)) !== null) return known;
    const building = build(storage, parts);
    built.set(fingerprint, building);
    building.catch(() => built.delete(fingerprint));
    return building;
  }
  return {
    async open(checkpointId) {
      const { key, digest, sizeBytes } = await archive(await find(checkpointId));
      return { etag: `"${digest.replace('sha256:', '')}"`, sizeBytes, stream: (range) => storage.read(key, range) };
    },
  };
}

async function build(storage: Storage, parts: DownloadParts): Promise<Archive> {
  const { manifest, encoder } = parts;
  assertMatches(manifest, encoder);
  const { tensors } = await loadCheckpoint(storage, parts);
  const weights = modelWeights(encoder, manifest, tensors);
  const tar = pack();
  try {
    const filling = fill(tar, { ...parts, weights }).catch((error: unknown) => tar.destroy(error as Error));
    const written = await storage.write(DOWNLOADS_PREFIX, 'tar', chunksOf(tar));
    await filling;
    return written;
  } finally {
    weights.close();
  }
}

async function fill(tar: Pack, parts: DownloadParts & { weights: ReturnType<typeof modelWeights> }): Promise<void> {
  const { manifest, encoder, weights, card } = parts;
  const tokenizer = join(encoder.directory, 'tokenizer.json');
  await addText(tar, 'README.md', modelCard({ manifest, encoder, ...card }));
  await addText(tar, 'config.json', json(await modelConfig(encoder, manifest)));
  await addText(tar, 'manifest.json', json(manifest));
  await addText(tar, 'tokenizer_config.json', json(await tokenizerConfig(encoder, manifest)));
  await add(tar, 'tokenizer.json', (await stat(tokenizer)).size, createReadStream(tokenizer));
  await add(tar, 'model.safetensors', weights.sizeBytes, Readable.from(weights.chunks()));
  tar.finalize();
}

async function* chunksOf(tar: Pack): AsyncGenerator<Buffer> {
  for await (const chunk of tar) yield chunk as Buffer;
}

async function addText(tar: Pack, name: string, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  await add(tar, name, bytes.length, Readable.from([bytes]));
}

function add(tar: Pack, name: string, size: number, source: Readable): Promise<void> {
  return new Promise((resolve, reject) => {
    const entry = tar.entry({ name, size, mtime: EPOCH, mode: 0o644, uid: 0, gid: 0 }, (error) => (error ? reject(error) : resolve()));
    source.on('error', reject).pipe(entry);
  });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
