/** Where artifacts lie: datasets, checkpoints, downloads. One interface; all processes of an installation see the same content. */
import type { Readable } from 'node:stream';

export interface StoredArtifact {
  readonly key: string;
  /** `sha256:` and hexadecimal, of the content. */
  readonly digest: string;
  readonly sizeBytes: number;
}

/** Half-open, in bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface Storage {
  /** Stores content under its own digest: `<prefix>/<sha256>.<extension>`. All or nothing; the same content twice is stored once. */
  write(prefix: string, extension: string, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<StoredArtifact>;
  /** @throws ARTIFACT_NOT_FOUND when the stream is read */
  read(key: string, range?: ByteRange): Readable;
  stat(key: string): Promise<{ sizeBytes: number } | null>;
  /** A file of this machine with the content, for readers that map it. @throws ARTIFACT_NOT_FOUND */
  localPath(key: string): Promise<string>;
  remove(key: string): Promise<void>;
}
