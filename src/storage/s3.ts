/** Artifacts in a bucket of S3, or of what speaks its protocol. */
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { AbortMultipartUploadCommand, DeleteObjectCommand, GetObjectCommand, HeadBucketCommand, HeadObjectCommand, ListMultipartUploadsCommand, paginateListObjectsV2, S3Client, type MultipartUpload } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { fail } from '../errors.ts';
import { artifactCache, type ArtifactCache } from './cache.ts';
import { hashOf, isKey, keyOf, verified } from './key.ts';
import { isBeyondEnd, isMissing, storageFailure } from './s3-failure.ts';
import type { ArtifactStat, ByteRange, Storage } from './storage.ts';

export interface S3StorageOptions {
  /** `s3://bucket` or `s3://bucket/prefix`. */
  readonly url: string;
  /** Absent: AWS. */
  readonly endpointUrl?: string | undefined;
  /** Where content lies on this machine while it is uploaded, and for `localPath`. */
  readonly cacheDir: string;
  readonly cacheBytes: number;
  /** Of one part of an upload: S3 wants 5 MiB at least and 10,000 parts at most. Default: 16 MiB. */
  readonly partBytes?: number;
}

/** Some two minutes of trying, with the SDK's growing pauses. */
const ATTEMPTS = 10;
/** A connection that says nothing for this long is given up, and the request made again. */
const TIMEOUTS = { connectionTimeout: 10_000, socketTimeout: 60_000 };
const PART_BYTES = 16 * 1024 ** 2;
/** Parts in memory at once. */
const PARALLEL_PARTS = 4;
/** How often a download that breaks off goes on where it was. */
const RESUMED_DOWNLOADS = 5;

export function s3Storage(o: S3StorageOptions): Storage {
  return new S3Storage(o);
}

class S3Storage implements Storage {
  readonly place: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  /** Empty, or ends with a slash. */
  readonly #base: string;
  readonly #partBytes: number;
  readonly #cache: ArtifactCache;
  /** Downloads under way, by key: who asks meanwhile waits for the same. */
  readonly #fetching = new Map<string, Promise<string>>();

  constructor({ url, endpointUrl, cacheDir, cacheBytes, partBytes = PART_BYTES }: S3StorageOptions) {
    const { hostname, pathname } = new URL(url);
    const prefix = pathname.replace(/^\/+|\/+$/g, '');
    this.place = url;
    this.#bucket = hostname;
    this.#base = prefix === '' ? '' : `${prefix}/`;
    this.#partBytes = partBytes;
    this.#cache = artifactCache({ folder: cacheDir, limitBytes: cacheBytes });
    // servers other than AWS are rarely set up for a host name for each bucket
    const isForeign = endpointUrl !== undefined && !/\.amazonaws\.com(\.cn)?$/.test(new URL(endpointUrl).hostname);
    this.#client = new S3Client({ maxAttempts: ATTEMPTS, requestHandler: TIMEOUTS, ...(endpointUrl !== undefined && { endpoint: endpointUrl, forcePathStyle: isForeign }) });
  }

  async check(): Promise<void> {
    await this.#asked(() => this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket })));
  }

  /**
   * The digest, which is the key, is known at the end of the source, and a part that fails must be sent again: so the content goes to a file
   * first. Under its final key it appears whole with the last request, and each part is checked by its own SHA-256 at the other end.
   */
  async write(prefix: string, extension: string, source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): ReturnType<Storage['write']> {
    const { path, hash, sizeBytes } = await this.#cache.spool(source);
    const key = keyOf(prefix, hash, extension);
    try {
      const upload = new Upload({
        client: this.#client,
        params: { ...this.#object(key), Body: createReadStream(path), ChecksumAlgorithm: 'SHA256' },
        partSize: this.#partBytes,
        queueSize: PARALLEL_PARTS,
      });
      await this.#asked(() => upload.done());
      await this.#cache.keep(key, path);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
    return { key, digest: `sha256:${hash}`, sizeBytes };
  }

  read(key: string, range?: ByteRange): Readable {
    return Readable.from(range === undefined ? verified(key, this.#content(key)) : this.#content(key, range), { objectMode: false });
  }

  async stat(key: string): Promise<ArtifactStat | null> {
    if (!isKey(key)) return null;
    try {
      const { ContentLength, LastModified } = await this.#client.send(new HeadObjectCommand(this.#object(key)));
      return { sizeBytes: ContentLength ?? 0, modifiedAt: LastModified ?? new Date() };
    } catch (error) {
      if (isMissing(error)) return null;
      throw storageFailure(error, this.#where);
    }
  }

  async *list(prefix?: string): AsyncGenerator<ArtifactStat & { key: string }> {
    try {
      const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: this.#base + (prefix === undefined ? '' : `${prefix}/`) });
      for await (const { Contents = [] } of pages) {
        for (const { Key = '', Size = 0, LastModified = new Date() } of Contents) {
          const key = Key.slice(this.#base.length);
          if (isKey(key)) yield { key, sizeBytes: Size, modifiedAt: LastModified };
        }
      }
    } catch (error) {
      throw storageFailure(error, this.#where);
    }
  }

  /** What another machine has removed may still be in this one's cache. */
  async localPath(key: string): Promise<string> {
    hashOf(key);
    const known = (await this.#cache.find(key)) ?? this.#fetching.get(key);
    if (known !== undefined) return known;
    const fetching = this.#fetch(key).finally(() => this.#fetching.delete(key));
    this.#fetching.set(key, fetching);
    return fetching;
  }

  async remove(key: string): Promise<void> {
    if (!isKey(key)) return;
    await this.#asked(() => this.#client.send(new DeleteObjectCommand(this.#object(key))));
    await this.#cache.forget(key);
  }

  /** Uploads that no request has completed: nobody sees them, and they are paid for. */
  async removeLeftovers(before: Date): Promise<number> {
    let removed = 0;
    try {
      for await (const { Key = '', UploadId, Initiated } of this.#unfinished()) {
        if (!isKey(Key.slice(this.#base.length)) || Initiated === undefined || Initiated >= before) continue;
        await this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId }));
        removed++;
      }
    } catch (error) {
      throw storageFailure(error, this.#where);
    }
    return removed;
  }

  async *#unfinished(): AsyncGenerator<MultipartUpload> {
    for (let from: { KeyMarker: string; UploadIdMarker: string } | undefined; ; ) {
      const { Uploads = [], IsTruncated, NextKeyMarker = '', NextUploadIdMarker = '' } = await this.#client.send(
        new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: this.#base, ...from }),
      );
      yield* Uploads;
      if (IsTruncated !== true) return;
      from = { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker };
    }
  }

  async #fetch(key: string): Promise<string> {
    const { path } = await this.#cache.spool(this.read(key));
    return this.#cache.keep(key, path);
  }

  async *#content(key: string, range?: ByteRange): AsyncGenerator<Uint8Array> {
    hashOf(key);
    if (range !== undefined && range.end <= range.start) return;
    const start = range?.start ?? 0;
    const end = range === undefined ? '' : range.end - 1;
    for (let at = start, resumed = 0; range === undefined || at < range.end; ) {
      const body = await this.#open(key, at === 0 && range === undefined ? undefined : `bytes=${at}-${end}`);
      try {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          at += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        // requests are made again by the SDK, but what breaks off within an answer is not
        if (resumed++ === RESUMED_DOWNLOADS) throw storageFailure(error, this.#where);
      } finally {
        body.destroy();
      }
    }
  }

  async #open(key: string, range: string | undefined): Promise<Readable> {
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ ...this.#object(key), ...(range !== undefined && { Range: range }) }));
      return Body as Readable;
    } catch (error) {
      if (isBeyondEnd(error)) return Readable.from([]);
      if (isMissing(error)) throw fail('ARTIFACT_NOT_FOUND', { key }, { cause: error });
      throw storageFailure(error, this.#where);
    }
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#base + key };
  }

  get #where(): { place: string; bucket: string } {
    return { place: this.place, bucket: this.#bucket };
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw storageFailure(error, this.#where);
    }
  }
}
