/** Encoders whose models are in memory: their tokenizer and their mapped file are there once, however many models there are. */
import type { InstalledEncoder } from '../encoders/registry.ts';
import { loadTokenizer, type PieceTokenizer } from '../encoders/tokenizer.ts';
import { EncoderWeights } from '../encoders/weights.ts';

export interface OpenEncoder {
  readonly encoder: InstalledEncoder;
  readonly tokenizer: PieceTokenizer;
  /** Not to be closed by a model. */
  readonly weights: EncoderWeights;
}

export interface OpenEncoders {
  /** The same for all who ask. @throws ENCODER_INVALID, and tries again the next time */
  open(encoder: InstalledEncoder): Promise<OpenEncoder>;
  /** Once no model reads of them. */
  close(): Promise<void>;
}

export function openEncoders(): OpenEncoders {
  /** By folder and digest: one that was installed anew is another. */
  const opened = new Map<string, Promise<OpenEncoder>>();
  return {
    open(encoder) {
      const key = `${encoder.directory} ${encoder.digest}`;
      const known = opened.get(key);
      if (known !== undefined) return known;
      const opening = loadTokenizer(encoder.directory).then((tokenizer): OpenEncoder => ({ encoder, tokenizer, weights: new EncoderWeights(encoder) }));
      opened.set(key, opening);
      opening.catch(() => opened.delete(key));
      return opening;
    },
    async close() {
      for (const each of await Promise.allSettled(opened.values())) if (each.status === 'fulfilled') each.value.weights.close();
      opened.clear();
    },
  };
}
