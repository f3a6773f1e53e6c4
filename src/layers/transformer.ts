/** The post-norm transformer block of BERT (Devlin et al. 2019, section 3; Vaswani et al. 2017). */
import { tf, type Tensor } from '../tensor/backend.ts';
import { gelu, layerNorm, linear, softmax } from '../tensor/ops.ts';
import type { Dropout } from './dropout.ts';

export interface Norm {
  readonly scale: Tensor;
  readonly shift: Tensor;
}
export interface Linear {
  /** `[out, in]` */
  readonly weight: Tensor;
  /** `[out]` */
  readonly bias: Tensor;
}
export interface BlockWeights {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly attentionNorm: Norm;
  readonly up: Linear;
  readonly down: Linear;
  readonly outputNorm: Norm;
}
export interface BlockShape {
  readonly rows: number;
  readonly length: number;
  readonly heads: number;
  readonly epsilon: number;
}

const FAR = -1e9;

/**
 * What attention adds to its scores so that pieces see their own sequence only.
 * @param segments int32 `[rows, length]`: number of the packed sequence that a piece belongs to, 0 for padding
 * @returns `[rows, 1, length, length]`: 0 within a sequence, -1e9 across
 */
export function attentionBias(segments: Tensor): Tensor {
  const same = tf.equal(segments.expandDims(2), segments.expandDims(1)).cast('float32');
  return same.sub(1).mul(-FAR).expandDims(1);
}

/** @param x `[rows * length, hidden]`; @returns the same shape */
export function transformerBlock(x: Tensor, weights: BlockWeights, bias: Tensor, shape: BlockShape, drop: Dropout): Tensor {
  const attended = linear(attention(x, weights, bias, shape, drop), weights.output.weight, weights.output.bias);
  const middle = layerNorm(drop(attended).add(x), weights.attentionNorm.scale, weights.attentionNorm.shift, shape.epsilon);
  const wide = gelu(linear(middle, weights.up.weight, weights.up.bias));
  const narrow = linear(wide, weights.down.weight, weights.down.bias);
  return layerNorm(drop(narrow).add(middle), weights.outputNorm.scale, weights.outputNorm.shift, shape.epsilon);
}

/** Multi-head self-attention before its output projection: `[rows * length, hidden]`. */
function attention(x: Tensor, weights: BlockWeights, bias: Tensor, { rows, length, heads }: BlockShape, drop: Dropout): Tensor {
  const hidden = x.shape[1] as number;
  const width = hidden / heads;
  const split = ({ weight, bias: b }: Linear): Tensor => linear(x, weight, b).reshape([rows, length, heads, width]).transpose([0, 2, 1, 3]);
  const query = split(weights.query).mul(1 / Math.sqrt(width)); // [rows, heads, length, width]
  const scores = tf.matMul(query, split(weights.key), false, true).add(bias); // [rows, heads, length, length]
  const mixed = tf.matMul(drop(softmax(scores)), split(weights.value)); // [rows, heads, length, width]
  return mixed.transpose([0, 2, 1, 3]).reshape([rows * length, hidden]);
}
