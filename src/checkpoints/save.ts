/** Stores the trained weights of a checkpoint; the storage driver makes that atomic. */
import { encodeSafetensors, type NamedTensors } from '../tensor/safetensors.ts';
import type { Storage } from '../storage/storage.ts';
import { CHECKPOINT_FORMAT, type Manifest } from './manifest.ts';

export const CHECKPOINTS_PREFIX = 'checkpoints';

export interface SavedCheckpoint {
  readonly storageKey: string;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly manifest: Manifest;
}

/** @param tensors only what was trained: frozen weights are the encoder's, which the manifest names by digest */
export async function saveCheckpoint(
  storage: Storage,
  { manifest, tensors }: { manifest: Omit<Manifest, 'format' | 'tensors' | 'weightsDigest'>; tensors: NamedTensors },
): Promise<SavedCheckpoint> {
  // Nothing of a run goes into the file, so equal weights are one file.
  const written = await storage.write(CHECKPOINTS_PREFIX, 'safetensors', encodeSafetensors(tensors, { format: CHECKPOINT_FORMAT }));
  return {
    storageKey: written.key,
    digest: written.digest,
    sizeBytes: written.sizeBytes,
    manifest: { ...manifest, format: CHECKPOINT_FORMAT, tensors: Object.keys(tensors).sort(), weightsDigest: written.digest },
  };
}
