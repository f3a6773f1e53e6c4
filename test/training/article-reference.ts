/** The article's formulas once more, in float64 and plain loops: what the tests hold our losses to. It shares no code with src. */

export type Vector = readonly number[];

export function softmax(z: Vector): number[] {
  const max = Math.max(...z);
  const exps = z.map((value) => Math.exp(value - max));
  const sum = exps.reduce((a, b) => a + b);
  return exps.map((e) => e / sum);
}

export function dot(a: Vector, b: Vector): number {
  return a.reduce((sum, value, index) => sum + value * b[index]!, 0);
}

export function cosine(a: Vector, b: Vector): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export function mean(values: Vector): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** -sum p log q */
export function crossEntropy(q: Vector, p: Vector): number {
  return -p.reduce((sum, share, tag) => sum + share * Math.log(q[tag]!), 0);
}

export function binaryCrossEntropy(s: number, y: number): number {
  return -(y * Math.log(s) + (1 - y) * Math.log(1 - s));
}

/** What a pair is to the student: both sides' logits and the teachers' answers. */
export interface ReferencePair {
  readonly z1: Vector;
  readonly z2: Vector;
  readonly t1: Vector;
  readonly t2: Vector;
  readonly sT: number;
}
export interface ReferenceWeights {
  readonly alpha1: number;
  readonly alpha2: number;
  readonly beta: number;
  readonly gamma: number;
}

/** alpha_k = mean (max p_k)^2; beta = mean (2 output - 1)^2; gamma = 1 - mean |similarity - output| */
export function weightsOf(pairs: readonly ReferencePair[]): ReferenceWeights {
  const sure = (z: Vector): number => Math.max(...softmax(z)) ** 2;
  const output = ({ z1, z2 }: ReferencePair): number => sigmoid(cosine(z1, z2));
  return {
    alpha1: mean(pairs.map(({ z1 }) => sure(z1))),
    alpha2: mean(pairs.map(({ z2 }) => sure(z2))),
    beta: mean(pairs.map((pair) => (2 * output(pair) - 1) ** 2)),
    gamma: 1 - mean(pairs.map((pair) => Math.abs(similarity(pair) - output(pair)))),
  };
}

export interface ReferenceLosses {
  readonly recognition1: number;
  readonly recognition2: number;
  readonly similarity: number;
}

export function lossesOf(pairs: readonly ReferencePair[]): ReferenceLosses {
  return {
    recognition1: mean(pairs.map(({ z1, t1 }) => crossEntropy(softmax(z1), t1))),
    recognition2: mean(pairs.map(({ z2, t2 }) => crossEntropy(softmax(z2), t2))),
    similarity: mean(pairs.map((pair) => binaryCrossEntropy(similarity(pair), pair.sT))),
  };
}

export function totalOf({ recognition1, recognition2, similarity }: ReferenceLosses, { alpha1, alpha2, beta, gamma }: ReferenceWeights): number {
  return gamma * (alpha1 * recognition1 + beta * similarity + alpha2 * recognition2);
}

function similarity({ z1, z2 }: ReferencePair): number {
  return sigmoid(cosine(softmax(z1), softmax(z2)));
}
