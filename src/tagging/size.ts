/** What a model adds to the tagger's memory. */
import type { Manifest } from '../checkpoints/manifest.ts';
import { WORD_EMBEDDINGS } from '../encoders/weights.ts';
import type { EncoderConfig } from '../models/config.ts';
import { encoderWeightNames, isLinearWeight } from '../models/names.ts';
import { weightShape } from '../models/shapes.ts';
import type { Precision } from '../tensor/emit.ts';

const FLOAT_BYTES = 4;
const HALF_BYTES = 2;
/** Graphs and TensorFlow's plans of each shape: of the 66 MB that a further model of e5-small was measured to add, all but its 43 MB of weights. */
const OVERHEAD_BYTES = 24 * 1024 ** 2;

/**
 * In bytes: the weights of its layers and its head as TensorFlow holds them. Word embeddings are not among them: they lie in a mapped file, the
 * encoder's for all its models, of which the system keeps what is read and drops it where memory is short.
 */
export function sizeOfModel(config: EncoderConfig, { tags }: Pick<Manifest, 'tags'>, precision: Precision): number {
  const body = encoderWeightNames(config).filter((name) => name !== WORD_EMBEDDINGS);
  const bytes = body.reduce((sum, name) => sum + bytesOf(name, precision) * weightShape(config, name).reduce((a, b) => a * b, 1), 0);
  return bytes + FLOAT_BYTES * tags.length * (config.hiddenSize + 1) + OVERHEAD_BYTES;
}

/** What products read is kept as they read it, and only so. */
function bytesOf(name: string, precision: Precision): number {
  return precision === 'bfloat16' && isLinearWeight(name) ? HALF_BYTES : FLOAT_BYTES;
}
