/** Reads a checkpoint's weights, and refuses a file that is not the one its manifest was written for. */
import { setImmediate as breathe } from 'node:timers/promises';
import { digestOfFile } from '../encoders/registry.ts';
import { fail } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';
import { SafetensorsFile, type NamedTensor, type NamedTensors } from '../tensor/safetensors.ts';
import type { Manifest } from './manifest.ts';

export interface LoadedCheckpoint {
  readonly manifest: Manifest;
  /** The trained weights by our names; what is absent is the encoder's. */
  readonly tensors: NamedTensors;
}

/** @throws CHECKPOINT_BROKEN with both digests, or naming the weight that the file lacks */
export async function loadCheckpoint(
  storage: Storage,
  { storageKey, manifest }: { storageKey: string; manifest: Manifest },
): Promise<LoadedCheckpoint> {
  const path = await storage.localPath(storageKey);
  const found = await digestOfFile(path);
  if (found !== manifest.weightsDigest) throw broken(manifest, `its weights have the digest ${found}, expected ${manifest.weightsDigest}`);
  const file = new SafetensorsFile(path);
  try {
    const missing = manifest.tensors.find((name) => !file.has(name));
    if (missing !== undefined) throw broken(manifest, `its weights lack ${missing}`);
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

function broken(manifest: Manifest, detail: string): Error {
  return fail('CHECKPOINT_BROKEN', { checkpointId: manifest.checkpointId, detail });
}
