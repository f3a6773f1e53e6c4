/** Encoders that a run may name: what this machine has is made known to the others of the installation. */
import type { Config } from '../config.ts';
import { installedEncoders } from '../encoders/registry.ts';
import { listEncoders, upsertEncoder, type EncoderRecord } from '../store/encoders.ts';
import type { Store } from '../store/store.ts';

/** Looked at anew each time: the command line installs while the service runs. */
export async function knownEncoders(store: Store, { encodersDir }: Pick<Config, 'encodersDir'>): Promise<EncoderRecord[]> {
  for (const { encoderId, source, license, digest, sizeBytes, config } of await installedEncoders(encodersDir)) {
    const { family: architecture, layers, hiddenSize, vocabularySize } = config;
    await upsertEncoder(store, { encoderId, source, architecture, layers, hiddenSize, vocabularySize, sizeBytes, digest, license });
  }
  return listEncoders(store);
}
