/**
 * The objective of the article that this project was started from, which may not be what the paper means: its weights are the student's own, means over
 * the pairs of a batch, and similarity is that of tag distributions. Mended: one softmax where it had two, and room without a pair counts nowhere.
 */
import { tf, type Tensor } from '../tensor/backend.ts';
import { softmax, stopGradient } from '../tensor/ops.ts';
import type { TrainingOptions } from '../schemas/options.ts';
import { binaryLoss, cosines, distillationLoss } from './losses.ts';

export type ArticleOptions = Pick<TrainingOptions, 'recognitionLoss' | 'similarityWeight' | 'similarityTemperature' | 'alpha' | 'beta' | 'gamma'>;

/** One side of all pairs. */
export interface Side {
  /** Of this side's head, `[pairs, tags]`. */
  readonly logits: Tensor;
  /** The recognizer's probabilities, `[pairs, tags]`. */
  readonly soft: Tensor;
}

/**
 * gamma (alpha1 L1 + lambda beta Lsim + alpha2 L2), where alpha = mean (max p)^2, beta = mean (2 sz - 1)^2, gamma = 1 - mean |sp - sz|,
 * sp = sigmoid(cos(p1, p2)) and sz = sigmoid(cos(z1, z2)) of both sides' tag distributions p and logits z.
 * The weights carry no gradient: else the student would learn to be unsure and at odds with itself, which makes the product small.
 * @param similarities sT of each pair, `[pairs]` @param weights 1 / pairs for each pair, 0 for room without one, `[pairs]` @returns a scalar
 */
export function articleLoss([left, right]: readonly [Side, Side], { similarities, weights }: { similarities: Tensor; weights: Tensor }, options: ArticleOptions): Tensor {
  const { recognitionLoss, similarityWeight, similarityTemperature: temperature } = options;
  const mean = (values: Tensor): Tensor => values.mul(weights).sum();
  const [p1, p2] = [softmax(left.logits), softmax(right.logits)];
  const similarityLogits = cosines(p1, p2).mul(1 / temperature);
  const output = tf.sigmoid(cosines(left.logits, right.logits).mul(1 / temperature));
  const recognition = ({ logits, soft }: Side, p: Tensor): Tensor => {
    const loss = distillationLoss(logits, soft, weights, recognitionLoss);
    return options.alpha ? loss.mul(stopGradient(mean(p.max(-1).square()))) : loss;
  };
  const similarity = binaryLoss(similarityLogits, similarities, weights).mul(similarityWeight);
  const decided = decidedness(output, options.beta);
  const total = recognition(left, p1)
    .add(decided === null ? similarity : similarity.mul(stopGradient(mean(decided))))
    .add(recognition(right, p2));
  const disagreement = mean(tf.sigmoid(similarityLogits).sub(output).abs());
  return options.gamma ? total.mul(stopGradient(tf.scalar(1).sub(disagreement))) : total;
}

/** beta of each pair, as `betaOf`; null: not weighed. */
function decidedness(similarity: Tensor, beta: TrainingOptions['beta']): Tensor | null {
  if (beta === 'none') return null;
  const squared = similarity.mul(2).sub(1).square();
  return beta === 'squared' ? squared : squared.add(0.5).minimum(1);
}
