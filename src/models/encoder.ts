/** The encoder: embeddings and transformer blocks over packed sequences. BERT, XLM-RoBERTa and DistilBERT differ in weights and positions only. */
import { transformerBlock, type BlockWeights, type Linear, type Norm } from '../layers/transformer.ts';
import { noDropout, type Dropout } from '../layers/dropout.ts';
import { tf, type Tensor } from '../tensor/backend.ts';
import type { Tensors } from '../tensor/program-spec.ts';
import { kernels } from '../tensor/kernels.ts';
import { gatherRows } from '../tensor/ops.ts';
import type { EncoderConfig } from './config.ts';

export interface EncoderInputs {
  /** `[rows * length, hidden]`: word embeddings looked up outside of the graph (frozen), or */
  readonly wordVectors?: Tensor;
  /** int32 `[rows * length]`: pieces, looked up in the variable `embeddings.word` (trained). */
  readonly pieces?: Tensor;
  /** int32 `[rows * length]`: row of the position table for each piece; starts anew with each sequence. */
  readonly positions: Tensor;
  /** int32 `[rows, length]`: number of the sequence in its row that a piece belongs to; 0 for padding. */
  readonly segments: Tensor;
}

/** @returns the last hidden layer, `[rows * length, hidden]` float32 */
export function encode(config: EncoderConfig, weights: Tensors, inputs: EncoderInputs, drop: Dropout): Tensor {
  const options = { heads: config.heads, epsilon: config.layerNormEpsilon };
  let x = embed(config, weights, inputs, drop);
  for (let layer = 0; layer < config.layers; layer++) x = transformerBlock(x, blockWeights(weights, layer), inputs.segments, options, drop);
  return x;
}

function embed(config: EncoderConfig, weights: Tensors, inputs: EncoderInputs, drop: Dropout): Tensor {
  const words = inputs.wordVectors ?? gatherRows(weight(weights, 'embeddings.word'), required(inputs.pieces, 'pieces'));
  const positions = gatherRows(weight(weights, 'embeddings.position'), inputs.positions);
  // the one type of all pieces is added as a bias is
  const type = config.typeVocabularySize > 0 ? weight(weights, 'embeddings.type').slice([0, 0], [1, config.hiddenSize]).reshape([config.hiddenSize]) : tf.zeros([config.hiddenSize]);
  const norm = { scale: weight(weights, 'embeddings.norm.scale'), shift: weight(weights, 'embeddings.norm.shift'), epsilon: config.layerNormEpsilon };
  return kernels.dropout(kernels.addNorm(positions, type, words, { ...norm, drop: noDropout() }), drop());
}

function blockWeights(weights: Tensors, layer: number): BlockWeights {
  const at = (name: string): Tensor => weight(weights, `layers.${layer}.${name}`);
  const linear = (part: string): Linear => ({ weight: at(`${part}.weight`), bias: at(`${part}.bias`) });
  const norm = (part: string): Norm => ({ scale: at(`${part}.scale`), shift: at(`${part}.shift`) });
  return {
    query: linear('query'),
    key: linear('key'),
    value: linear('value'),
    output: linear('output'),
    attentionNorm: norm('attentionNorm'),
    up: linear('up'),
    down: linear('down'),
    outputNorm: norm('outputNorm'),
  };
}

function weight(weights: Tensors, name: string): Tensor {
  return required(weights[name], name);
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new TypeError(`the encoder needs ${name}`);
  return value;
}
