/** An exported checkpoint as one tar. Equal input gives equal bytes, so Range and ETag hold across restarts. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pack, type Pack } from 'tar-stream';
import type { ExportFormat } from '../schemas/checkpoint.ts';
import type { ByteRange, Storage } from '../storage/storage.ts';
import { openExport, type ExportFile, type ExportParts } from './export.ts';

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
  open(checkpointId: string, format: ExportFormat): Promise<Download>;
}

interface Archive {
  readonly key: string;
  readonly digest: string;
  readonly sizeBytes: number;
}

/** @param find reads the rows that belong to a checkpoint; this folder knows no database */
export function createDownloads(storage: Storage, find: (checkpointId: string) => Promise<ExportParts>): CheckpointDownloads {
  // By what they are made of: a second request for the same, even at the same time, builds nothing.
  const built = new Map<string, Promise<Archive>>();
  async function archive(parts: ExportParts, format: ExportFormat): Promise<Archive> {
    const { manifest, card, encoder } = parts;
    const fingerprint = createHash('sha256').update(JSON.stringify([format, manifest, card, encoder.source, encoder.license])).digest('hex');
    const known = await built.get(fingerprint);
    if (known !== undefined && (await storage.stat(known.key)) !== null) return known;
    const building = build(storage, parts, format);
    built.set(fingerprint, building);
    building.catch(() => built.delete(fingerprint));
    return building;
  }
  return {
    async open(checkpointId, format) {
      const { key, digest, sizeBytes } = await archive(await find(checkpointId), format);
      return { etag: `"${digest.replace('sha256:', '')}"`, sizeBytes, stream: (range) => storage.read(key, range) };
    },
  };
}

async function build(storage: Storage, parts: ExportParts, format: ExportFormat): Promise<Archive> {
  const opened = await openExport(storage, parts, format);
  const tar = pack();
  try {
    const filling = fill(tar, opened.files).catch((error: unknown) => tar.destroy(error as Error));
    const written = await storage.write(DOWNLOADS_PREFIX, 'tar', chunksOf(tar));
    await filling;
    return written;
  } finally {
    opened.close();
  }
}

async function fill(tar: Pack, files: readonly ExportFile[]): Promise<void> {
  for (const file of files) await add(tar, file);
  tar.finalize();
}

async function* chunksOf(tar: Pack): AsyncGenerator<Buffer> {
  for await (const chunk of tar) yield chunk as Buffer;
}

function add(tar: Pack, { name, sizeBytes: size, chunks }: ExportFile): Promise<void> {
  return new Promise((resolve, reject) => {
    const entry = tar.entry({ name, size, mtime: EPOCH, mode: 0o644, uid: 0, gid: 0 }, (error) => (error ? reject(error) : resolve()));
    Readable.from(chunks()).on('error', reject).pipe(entry);
  });
}
