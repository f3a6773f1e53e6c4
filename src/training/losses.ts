/** Losses as functions of tensors, recorded into the compiled step. All float32. */
import { tf, type Tensor } from '../tensor/backend.ts';
import { crossEntropy, gatherRows, softmax } from '../tensor/ops.ts';
import { COSINE_EPSILON } from '../inference/evaluator.ts';

/**
 * Weighted sum of each word's cross-entropy against its tag.
 * @param logits `[n, tags]` @param tags int32 `[n]` @param weights `[n]`: 1 / words for first pieces, else 0
 */
export function tagLoss(logits: Tensor, tags: Tensor, weights: Tensor): Tensor {
  return crossEntropy(logits, tags).mul(weights).sum();
}

/**
 * Weighted sum of each word's distance from the recognizer's distribution.
 * @param logits the student's, `[n, tags]` @param soft the recognizer's probabilities, `[n, tags]` @param weights `[n]`
 */
export function distillationLoss(logits: Tensor, soft: Tensor, weights: Tensor, kind: 'meanSquaredError' | 'crossEntropy'): Tensor {
  const each = kind === 'meanSquaredError' ? softmax(logits).sub(soft).square().mean(-1) : logSoftmax(logits).mul(soft).sum(-1).neg();
  return each.mul(weights).sum();
}

/**
 * Weighted sum of each pair's binary cross-entropy of sigmoid(cos(left, right) / temperature) against a target in [0, 1].
 * @param vectors `[n, hidden]` @param left, right int32 `[pairs]`: rows of `vectors` @param targets, weights `[pairs]`
 */
export function similarityLoss(
  vectors: Tensor,
  { left, right, targets, weights, temperature }: { left: Tensor; right: Tensor; targets: Tensor; weights: Tensor; temperature: number },
): Tensor {
  return binaryLoss(cosines(gatherRows(vectors, left), gatherRows(vectors, right)).mul(1 / temperature), targets, weights);
}

/** Weighted sum of each sigmoid's binary cross-entropy against a target in [0, 1]. @param logits, targets, weights `[n]` */
export function binaryLoss(logits: Tensor, targets: Tensor, weights: Tensor): Tensor {
  // -y log s - (1-y) log(1-s) with s = sigmoid(z) is softplus(z) - y z, which cannot overflow
  return tf.softplus(logits).sub(logits.mul(targets)).mul(weights).sum();
}

/** Row-wise cosine: `[n, width], [n, width] -> [n]`. */
export function cosines(a: Tensor, b: Tensor): Tensor {
  const norms = a.square().sum(-1).mul(b.square().sum(-1)).maximum(COSINE_EPSILON ** 2);
  return a.mul(b).sum(-1).mul(tf.rsqrt(norms));
}

function logSoftmax(logits: Tensor): Tensor {
  const shifted = logits.sub(logits.max(-1, true));
  return shifted.sub(shifted.exp().sum(-1, true).log());
}
