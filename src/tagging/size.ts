/** What a model adds to the tagger's memory. */
import type { Manifest } from '../checkpoints/manifest.ts';
import { WORD_EMBEDDINGS } from '../encoders/weights.ts';
import type { EncoderConfig } from '../models/config.ts';
import { encoderWeightNames } from '../models/names.ts';
import { weightShape } from '../models/shapes.ts';

const FLOAT_BYTES = 4;
/** Graphs and TensorFlow's plans of each shape: a further model of e5-small, whose layers take 86 MB, was measured to add 70 to 97 MB, 88 in the mean. */
const OVERHEAD_BYTES = 8 * 1024 ** 2;

/**
 * In bytes: the weights of its layers and its head as TensorFlow holds them. Word embeddings are not among them: they lie in a mapped file, the
 * encoder's for all its models, of which the system keeps what is read and drops it where memory is short.
 */
export function sizeOfModel(config: EncoderConfig, { tags }: Pick<Manifest, 'tags'>): number {
  const body = encoderWeightNames(config).filter((name) => name !== WORD_EMBEDDINGS);
  const values = body.reduce((sum, name) => sum + weightShape(config, name).reduce((a, b) => a * b, 1), tags.length * (config.hiddenSize + 1));
  return FLOAT_BYTES * values + OVERHEAD_BYTES;
}
