/**
 * Makes probabilities mean what they say, by likelihood on labeled text: a temperature for distributions over tags (Guo et al. 2017,
 * "On calibration of modern neural networks"), a logistic scale for claims that turn out right or wrong (Platt 1999).
 */

/** Keeps log of zero finite. */
const FLOOR = 1e-12;
/** Logits of claims stay within +-16: float32 knows no probability closer to 1. */
const CLAIM_FLOOR = 1e-7;
const TEMPERATURES = { least: 0.05, most: 20 };
const STEPS = 50;
const TOLERANCE = 1e-9;
/** Pulls a logistic scale towards the identity, as strongly as a thousandth of a claim: claims that are all alike have no one best scale. */
const PULL = 1e-3;

export interface ObservedWords {
  /** `[words, tags]` row-major, each row a distribution. */
  readonly probs: Float32Array;
  /** One for each word; words whose tag the model does not know are left out. */
  readonly gold: readonly string[];
}

/** Of one claim: what the model thinks of it, in logits, and whether it was right. */
export interface Claim {
  readonly logit: number;
  readonly isRight: boolean;
}

/** P(right) = sigmoid(intercept + slope * logit) */
export interface LogisticScale {
  readonly intercept: number;
  readonly slope: number;
}

/** @returns T such that `p^(1/T)`, normalized, has the greatest likelihood; above 1 for a model that is too sure, 1 where nothing was observed */
export function fitTemperature(observed: readonly ObservedWords[], tags: readonly string[]): number {
  const indexOf = new Map(tags.map((tag, index) => [tag, index]));
  let sharpness = 1; // 1 / T, in which the likelihood is concave
  for (let step = 0; step < STEPS; step++) {
    let gradient = 0;
    let curvature = 0;
    for (const { probs, gold } of observed) {
      gold.forEach((tag, word) => {
        const wanted = indexOf.get(tag);
        if (wanted === undefined) return;
        const { mean, variance, logs } = moments(probs.subarray(word * tags.length, (word + 1) * tags.length), sharpness);
        gradient += (logs[wanted] as number) - mean;
        curvature += variance;
      });
    }
    if (curvature === 0) return 1;
    const next = Math.min(1 / TEMPERATURES.least, Math.max(1 / TEMPERATURES.most, sharpness + gradient / curvature));
    const isDone = Math.abs(next - sharpness) < TOLERANCE;
    sharpness = next;
    if (isDone) break;
  }
  return 1 / sharpness;
}

/** @param probs `[words, tags]` row-major @returns the same, each row raised to 1/T and normalized */
export function applyTemperature(probs: Float32Array, numTags: number, temperature: number): Float32Array {
  const scaled = new Float32Array(probs.length);
  const logs = new Float64Array(numTags);
  for (let start = 0; start < probs.length; start += numTags) {
    let top = -Infinity;
    for (let tag = 0; tag < numTags; tag++) {
      const log = Math.log(Math.max(probs[start + tag] as number, FLOOR)) / temperature;
      logs[tag] = log;
      if (log > top) top = log;
    }
    let sum = 0;
    for (let tag = 0; tag < numTags; tag++) sum += logs[tag] = Math.exp((logs[tag] as number) - top);
    for (let tag = 0; tag < numTags; tag++) scaled[start + tag] = (logs[tag] as number) / sum;
  }
  return scaled;
}

/**
 * By Newton's method, halving steps that do not help. Targets are Platt's, (n+ + 1) / (n+ + 2) and 1 / (n- + 2), so that claims that are
 * all right leave room for doubt. The fitted probabilities of the claims add up to the number of those that were right, or nearly so.
 */
export function fitLogistic(claims: readonly Claim[]): LogisticScale {
  const right = claims.filter(({ isRight }) => isRight).length;
  const [high, low] = [(right + 1) / (right + 2), 1 / (claims.length - right + 2)];
  const targetOf = ({ isRight }: Claim): number => (isRight ? high : low);
  const lossOf = ({ intercept, slope }: LogisticScale): number =>
    claims.reduce((sum, claim) => {
      const at = intercept + slope * claim.logit;
      return sum + Math.max(at, 0) + Math.log1p(Math.exp(-Math.abs(at))) - targetOf(claim) * at;
    }, (PULL / 2) * (intercept ** 2 + (slope - 1) ** 2));
  let scale: LogisticScale = { intercept: 0, slope: 1 };
  let loss = lossOf(scale);
  for (let step = 0; step < STEPS; step++) {
    const gradient = [PULL * scale.intercept, PULL * (scale.slope - 1)] as [number, number];
    const hessian = [PULL, 0, PULL] as [number, number, number];
    for (const claim of claims) {
      const p = scaled(scale, claim.logit);
      const [error, weight] = [p - targetOf(claim), p * (1 - p)];
      gradient[0] += error;
      gradient[1] += error * claim.logit;
      hessian[0] += weight;
      hessian[1] += weight * claim.logit;
      hessian[2] += weight * claim.logit ** 2;
    }
    const determinant = hessian[0] * hessian[2] - hessian[1] ** 2;
    const move = [(hessian[2] * gradient[0] - hessian[1] * gradient[1]) / determinant, (hessian[0] * gradient[1] - hessian[1] * gradient[0]) / determinant] as const;
    let share = 1;
    let next = scale;
    let nextLoss = loss;
    for (; share > TOLERANCE; share /= 2) {
      next = { intercept: scale.intercept - share * move[0], slope: scale.slope - share * move[1] };
      nextLoss = lossOf(next);
      if (nextLoss <= loss) break;
    }
    const gain = loss - nextLoss;
    if (share <= TOLERANCE) break;
    [scale, loss] = [next, nextLoss];
    if (gain < TOLERANCE) break;
  }
  return scale;
}

/** P(right) of a claim. */
export function scaled({ intercept, slope }: LogisticScale, logit: number): number {
  return sigmoid(intercept + slope * logit);
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** log(p / (1 - p)), finite for 0 and 1. @param least how close to 0 and to 1 `p` is taken at most */
export function logitOf(p: number, least = CLAIM_FLOOR): number {
  const within = Math.min(1 - least, Math.max(least, p));
  return Math.log(within / (1 - within));
}

/** Of log p under the distribution p^sharpness, normalized. */
function moments(row: Float32Array, sharpness: number): { mean: number; variance: number; logs: number[] } {
  const logs = Array.from(row, (p) => Math.log(Math.max(p, FLOOR)));
  const top = Math.max(...logs);
  const weights = logs.map((log) => Math.exp(sharpness * (log - top)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = logs.reduce((sum, log, tag) => sum + (weights[tag] as number) * log, 0) / total;
  const variance = logs.reduce((sum, log, tag) => sum + (weights[tag] as number) * (log - mean) ** 2, 0) / total;
  return { mean, variance, logs };
}
