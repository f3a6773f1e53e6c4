/** Where artifacts lie: datasets, checkpoints, downloads. One interface; all processes of an installation see the same content. */
import type { Readable } from 'node:stream';

export interface StoredArtifact {
  readonly key: string;
  /** `sha256:` and hexadecimal, of the content. */
  readonly digest: string;
  readonly sizeBytes: number;
}

export interface ArtifactStat {
  readonly sizeBytes: number;
  /** When the content was last written, by the clock of the file system or of S3. */
  readonly modifiedAt: Date;
}

/** Half-open, in bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export type ArtifactSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** What is no key of `write` names nothing: it is not found. All methods throw STORAGE_UNAVAILABLE where the storage itself does not answer. */
export interface Storage {
  /** For people: a folder, or `s3://bucket/prefix`. */
  readonly place: string;
  /** Whether it is there and this process may use it. @throws STORAGE_UNAVAILABLE saying what to do */
  check(): Promise<void>;
  /**
   * Stores content under its own digest: `<prefix>/<sha256>.<extension>`. All or nothing, also for a process that is killed; the same content
   * twice is stored once, and counts as written now.
   */
  write(prefix: string, extension: string, source: ArtifactSource): Promise<StoredArtifact>;
  /** Ends in an error where the whole content was read and is not the key's. @throws ARTIFACT_NOT_FOUND, ARTIFACT_DAMAGED when the stream is read */
  read(key: string, range?: ByteRange): Readable;
  stat(key: string): Promise<ArtifactStat | null>;
  /** In no order. @param prefix as given to `write`; absent: all of them */
  list(prefix?: string): AsyncIterable<ArtifactStat & { readonly key: string }>;
  /** A file of this machine with the content, for readers that map it; open it within minutes. @throws ARTIFACT_NOT_FOUND, ARTIFACT_DAMAGED */
  localPath(key: string): Promise<string>;
  /** What is not there is removed already. */
  remove(key: string): Promise<void>;
  /** Removes what writes that were cut off before this time have left. @returns how many */
  removeLeftovers(before: Date): Promise<number>;
}
