import { join } from 'node:path';
import { directoryStorage } from './directory.ts';
import type { Storage } from './storage.ts';

export interface StorageConfig {
  readonly artifactsDir: string;
  /** `s3://bucket/prefix`; absent: `artifactsDir`. */
  readonly artifactsUrl: string | undefined;
  readonly s3EndpointUrl: string | undefined;
  readonly cacheDir: string;
  readonly artifactCacheBytes: number;
}

/** The installation's artifact storage, which answers. @throws STORAGE_UNAVAILABLE */
export async function openStorage(config: StorageConfig): Promise<Storage> {
  const storage = await storageOf(config);
  await storage.check();
  return storage;
}

async function storageOf({ artifactsDir, artifactsUrl, s3EndpointUrl, cacheDir, artifactCacheBytes }: StorageConfig): Promise<Storage> {
  if (artifactsUrl === undefined) return directoryStorage(artifactsDir);
  // loaded where it is asked for: the SDK is large
  const { s3Storage } = await import('./s3.ts');
  return s3Storage({ url: artifactsUrl, endpointUrl: s3EndpointUrl, cacheDir: join(cacheDir, 'artifacts'), cacheBytes: artifactCacheBytes });
}
