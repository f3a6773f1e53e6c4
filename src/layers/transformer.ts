/** The post-norm transformer block of BERT (Devlin et al. 2019, section 3; Vaswani et al. 2017). */
import { tf, type Tensor } from '../tensor/backend.ts';
import { kernels } from '../tensor/kernels.ts';
import { linear } from '../tensor/ops.ts';
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
export interface BlockOptions {
  readonly heads: number;
  readonly epsilon: number;
}

/**
 * @param x `[rows * length, hidden]` @param segments int32 `[rows, length]`: pieces see those of their own number only
 * @returns `[rows * length, hidden]`
 */
export function transformerBlock(x: Tensor, weights: BlockWeights, segments: Tensor, { heads, epsilon }: BlockOptions, drop: Dropout): Tensor {
  const inner = [weights.query, weights.key, weights.value];
  const qkv = linear(x, tf.concat(inner.map(({ weight }) => weight), 0)); // one product is faster than three
  const bias = tf.concat(inner.map((each) => each.bias), 0);
  const mixed = kernels.attention(qkv, bias, segments, { heads, drop: drop() });
  const middle = kernels.addNorm(linear(mixed, weights.output.weight), weights.output.bias, x, { ...weights.attentionNorm, epsilon, drop: drop() });
  const wide = kernels.biasGelu(linear(middle, weights.up.weight), weights.up.bias);
  return kernels.addNorm(linear(wide, weights.down.weight), weights.down.bias, middle, { ...weights.outputNorm, epsilon, drop: drop() });
}
