/** The parts of a transformer as TensorFlow's own ops, for devices without kernels of ours; and what those kernels are held to. */
import { tf, type Tensor } from './backend.ts';
import { addBias, dropout, gelu, layerNorm, softmax } from './ops.ts';
import type { AttentionOptions, Kernels } from './kernels.ts';

const FAR = -1e9;

export const composed: Kernels = {
  dropout,
  addNorm: (x, bias, residual, { scale, shift, epsilon, drop }) => layerNorm(dropout(addBias(x, bias), drop).add(residual), scale, shift, epsilon),
  biasGelu: (x, bias) => gelu(addBias(x, bias)),
  attention,
};

function attention(qkv: Tensor, bias: Tensor, segments: Tensor, { heads, drop }: AttentionOptions): Tensor {
  const [rows, length] = segments.shape as [number, number];
  const hidden = (qkv.shape[1] as number) / 3;
  const width = hidden / heads;
  // [rows, length, 3, heads, width] -> three of [rows, heads, length, width]
  const parts = addBias(qkv, bias).reshape([rows, length, 3, heads, width]).transpose([2, 0, 3, 1, 4]);
  const [query, key, value] = tf.unstack(parts) as [Tensor, Tensor, Tensor];
  const scores = tf.matMul(query.mul(1 / Math.sqrt(width)), key, false, true).add(attentionBias(segments));
  const mixed = tf.matMul(dropout(softmax(scores), drop), value);
  return mixed.transpose([0, 2, 1, 3]).reshape([rows * length, hidden]);
}

/** `[rows, 1, length, length]`: 0 within a sequence, -1e9 across. */
function attentionBias(segments: Tensor): Tensor {
  const same = tf.equal(segments.expandDims(2), segments.expandDims(1)).cast('float32');
  return same.sub(1).mul(-FAR).expandDims(1);
}
