/** What an encoder is built like: read from a Hugging Face config.json, checked, in our names. */
import { fail } from '../errors.ts';

export type EncoderFamily = 'bert' | 'xlm-roberta' | 'distilbert';

export interface EncoderConfig {
  readonly family: EncoderFamily;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly feedForwardSize: number;
  readonly vocabularySize: number;
  /** Rows of the position table. */
  readonly positions: number;
  /** 0 where the family has no type embeddings (DistilBERT). */
  readonly typeVocabularySize: number;
  readonly layerNormEpsilon: number;
  readonly padId: number;
  /** Row of the position table for the first piece: 0, or padId + 1 in RoBERTa. */
  readonly firstPosition: number;
}

const FAMILIES: Record<string, EncoderFamily> = { bert: 'bert', 'xlm-roberta': 'xlm-roberta', roberta: 'xlm-roberta', distilbert: 'distilbert' };

/**
 * @param json the parsed config.json (Hugging Face's names)
 * @throws ENCODER_UNSUPPORTED naming the key and the value that is not understood
 */
export function parseEncoderConfig(json: unknown): EncoderConfig {
  const raw = new RawConfig(json);
  const family = FAMILIES[raw.text('model_type')];
  if (family === undefined) throw fail('ENCODER_UNSUPPORTED', { key: 'model_type', found: raw.text('model_type'), expected: Object.keys(FAMILIES).join(', ') });
  const isDistil = family === 'distilbert';
  const activation = raw.text(isDistil ? 'activation' : 'hidden_act');
  if (activation !== 'gelu') throw fail('ENCODER_UNSUPPORTED', { key: 'hidden_act', found: activation, expected: 'gelu' });
  const positionType = raw.optionalText('position_embedding_type') ?? 'absolute';
  if (positionType !== 'absolute') throw fail('ENCODER_UNSUPPORTED', { key: 'position_embedding_type', found: positionType, expected: 'absolute' });
  const padId = raw.optionalCount('pad_token_id') ?? 0;
  const config: EncoderConfig = {
    family,
    layers: raw.count(isDistil ? 'n_layers' : 'num_hidden_layers'),
    hiddenSize: raw.count(isDistil ? 'dim' : 'hidden_size'),
    heads: raw.count(isDistil ? 'n_heads' : 'num_attention_heads'),
    feedForwardSize: raw.count(isDistil ? 'hidden_dim' : 'intermediate_size'),
    vocabularySize: raw.count('vocab_size'),
    positions: raw.count('max_position_embeddings'),
    typeVocabularySize: isDistil ? 0 : raw.count('type_vocab_size'),
    layerNormEpsilon: raw.optionalNumber('layer_norm_eps') ?? 1e-12,
    padId,
    firstPosition: family === 'xlm-roberta' ? padId + 1 : 0,
  };
  if (config.hiddenSize % config.heads !== 0)
    throw fail('ENCODER_UNSUPPORTED', { key: 'num_attention_heads', found: String(config.heads), expected: `a divisor of ${config.hiddenSize}` });
  return Object.freeze(config);
}

/** Longest sequence in pieces, special ones included, that the position table allows. */
export function maxSequence(config: EncoderConfig): number {
  return config.positions - config.firstPosition;
}

class RawConfig {
  readonly #values: Record<string, unknown>;
  constructor(json: unknown) {
    this.#values = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  }
  optionalText(key: string): string | undefined {
    const value = this.#values[key];
    return typeof value === 'string' ? value : undefined;
  }
  text(key: string): string {
    return this.optionalText(key) ?? this.#refuse(key, 'a string');
  }
  optionalNumber(key: string): number | undefined {
    const value = this.#values[key];
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  }
  optionalCount(key: string): number | undefined {
    const value = this.optionalNumber(key);
    return value !== undefined && Number.isInteger(value) && value >= 0 ? value : undefined;
  }
  count(key: string): number {
    return this.optionalCount(key) ?? this.#refuse(key, 'a whole number');
  }
  #refuse(key: string, expected: string): never {
    throw fail('ENCODER_UNSUPPORTED', { key, found: key in this.#values ? JSON.stringify(this.#values[key]) : 'nothing', expected });
  }
}
