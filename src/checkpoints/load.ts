/** Reads a checkpoint's weights, and refuses a file that is not the one its manifest was written for. */
import { setImmediate as breathe } from 'node:timers/promises';
import { digestOfFile } from '../encoders/registry.ts';
import { tableOfFile, WORD_EMBEDDINGS, type WordTable } from '../encoders/weights.ts';
import { fail } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';
import { SafetensorsFile, type NamedTensor, type NamedTensors } from '../tensor/safetensors.ts';
import type { Manifest } from './manifest.ts';

export interface LoadedCheckpoint {
  readonly manifest: Manifest;
  /** The trained weights by our names; what is absent is the encoder's. */
  readonly tensors: NamedTensors;
  /** Trained word embeddings where they are left in the file; absent: they are the encoder's, or among `tensors`. */
  readonly words?: WordTable;
}

/** Its weights are read from the file whenever they are asked for, and never kept. */
export interface OpenCheckpoint extends LoadedCheckpoint {
  /** No weight is read afterwards. Again is harmless. */
  close(): void;
}

/** @throws CHECKPOINT_BROKEN with both digests, or naming the weight that the file lacks */
export async function openCheckpoint(storage: Storage, { storageKey, manifest }: { storageKey: string; manifest: Manifest }): Promise<OpenCheckpoint> {
  const file = await openFile(storage, { storageKey, manifest });
  const names = manifest.tensors.filter((name) => name !== WORD_EMBEDDINGS);
  const words = names.length < manifest.tensors.length && { words: tableOfFile(file, WORD_EMBEDDINGS) };
  return { manifest, tensors: Object.fromEntries(names.map((name) => [name, file.lazily(name)])), ...words, close: () => file.close() };
}

/** All of it in memory. @throws CHECKPOINT_BROKEN as `openCheckpoint` */
export async function loadCheckpoint(
  storage: Storage,
  { storageKey, manifest }: { storageKey: string; manifest: Manifest },
): Promise<LoadedCheckpoint> {
  const file = await openFile(storage, { storageKey, manifest });
  try {
    const tensors: Record<string, NamedTensor> = {};
    for (const name of manifest.tensors) {
      tensors[name] = file.tensor(name);
      await breathe();
    }
    return { manifest, tensors };
  } finally {
    file.close();
  }
}

async function openFile(storage: Storage, { storageKey, manifest }: { storageKey: string; manifest: Manifest }): Promise<SafetensorsFile> {
  const path = await storage.localPath(storageKey);
  const found = await digestOfFile(path);
  if (found !== manifest.weightsDigest) throw broken(manifest, `its weights have the digest ${found}, expected ${manifest.weightsDigest}`);
  const file = new SafetensorsFile(path);
  const missing = manifest.tensors.find((name) => !file.has(name));
  if (missing === undefined) return file;
  file.close();
  throw broken(manifest, `its weights lack ${missing}`);
}

function broken(manifest: Manifest, detail: string): Error {
  return fail('CHECKPOINT_BROKEN', { checkpointId: manifest.checkpointId, detail });
}
