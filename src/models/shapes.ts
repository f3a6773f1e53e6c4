/** Shapes of an encoder's weights. */
import type { EncoderConfig } from './config.ts';

/** @param name one of `encoderWeightNames` */
export function weightShape({ hiddenSize, feedForwardSize, vocabularySize, positions, typeVocabularySize }: EncoderConfig, name: string): number[] {
  const tables: Record<string, number> = { 'embeddings.word': vocabularySize, 'embeddings.position': positions, 'embeddings.type': typeVocabularySize };
  const rows = tables[name];
  if (rows !== undefined) return [rows, hiddenSize];
  const [part, kind] = name.split('.').slice(-2) as [string, string];
  const out = part === 'up' ? feedForwardSize : hiddenSize;
  return kind === 'weight' ? [out, part === 'down' ? feedForwardSize : hiddenSize] : [out];
}
