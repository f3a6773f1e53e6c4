/** TensorFlow ops that tfjs lacks or runs as several, with their gradients. All tensors are float32 unless said. */
import { nodeBackend, tf, type OpAttribute, type Tensor } from './backend.ts';
import { DataType } from './proto.ts';

const type = (name: string, value: number): OpAttribute => ({ name, type: 4, value });
const flag = (name: string, value: boolean): OpAttribute => ({ name, type: 3, value });
const integer = (name: string, value: number): OpAttribute => ({ name, type: 1, value });
const FLOAT = type('T', DataType.float32);

/** Matrix product `[m, k] x [k, n]`; either side may be given transposed. No gradient of its own. */
export function product(a: Tensor, b: Tensor, { transposeA = false, transposeB = false } = {}): Tensor {
  return nodeBackend().executeSingleOutput('MatMul', [FLOAT, flag('transpose_a', transposeA), flag('transpose_b', transposeB)], [a, b]);
}

/** Sum over rows: `[rows, columns] -> [columns]`; faster than a general sum. */
function biasGradient(dy: Tensor): Tensor {
  return nodeBackend().executeSingleOutput('BiasAddGrad', [FLOAT], [dy]);
}

/** `x W^T`: x `[rows, in]`, weight `[out, in]` (the layout of PyTorch's files), result `[rows, out]`. */
export function linear(x: Tensor, weight: Tensor): Tensor {
  return tf.customGrad((...args: unknown[]) => {
    const [x, weight, save] = args as [Tensor, Tensor, (saved: Tensor[]) => void];
    save([x, weight]);
    return {
      value: product(x, weight, { transposeB: true }),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x, weight] = saved as [Tensor, Tensor];
        return [product(dy, weight), product(dy, x, { transposeA: true })];
      },
    };
  })(x, weight);
}

/** `x` plus `bias` in every row: `[rows, columns] + [columns]`. */
export function addBias(x: Tensor, bias: Tensor): Tensor {
  return tf.customGrad((...args: unknown[]) => {
    const [x, bias] = args as [Tensor, Tensor];
    return { value: nodeBackend().executeSingleOutput('BiasAdd', [FLOAT], [x, bias]), gradFunc: (dy: Tensor) => [dy, biasGradient(dy)] };
  })(x, bias);
}

/** Layer normalization over columns: x `[rows, columns]`, scale and shift `[columns]`. */
export function layerNorm(x: Tensor, scale: Tensor, shift: Tensor, epsilon: number): Tensor {
  return tf.customGrad((...args: unknown[]) => {
    const [x, scale, shift, save] = args as [Tensor, Tensor, Tensor, (saved: Tensor[]) => void];
    const centered = x.sub(rowMean(x));
    const inverse = tf.rsqrt(rowMean(centered.square()).add(epsilon));
    const normal = centered.mul(inverse);
    save([normal, inverse, scale]);
    return {
      value: normal.mul(scale).add(shift),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [normal, inverse, scale] = saved as [Tensor, Tensor, Tensor];
        const dNormal = dy.mul(scale);
        const dx = dNormal.sub(rowMean(dNormal)).sub(normal.mul(rowMean(dNormal.mul(normal)))).mul(inverse);
        return [dx, dy.mul(normal).sum(0), biasGradient(dy)];
      },
    };
  })(x, scale, shift);
}

/** Gaussian error linear unit, the exact (erf) one. Any shape. */
export function gelu(x: Tensor): Tensor {
  return tf.customGrad((...args: unknown[]) => {
    const [x, save] = args as [Tensor, (saved: Tensor[]) => void];
    const cdf = tf.erf(x.mul(Math.SQRT1_2)).add(1).mul(0.5);
    save([x, cdf]);
    return {
      value: x.mul(cdf),
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [x, cdf] = saved as [Tensor, Tensor];
        const density = tf.exp(x.square().mul(-0.5)).mul(1 / Math.sqrt(2 * Math.PI));
        return dy.mul(cdf.add(x.mul(density)));
      },
    };
  })(x);
}

/** Softmax over the last axis. */
export function softmax(x: Tensor): Tensor {
  return tf.customGrad((...args: unknown[]) => {
    const [x, save] = args as [Tensor, (saved: Tensor[]) => void];
    const y = nodeBackend().executeSingleOutput('Softmax', [FLOAT], [x]);
    save([y]);
    return {
      value: y,
      gradFunc: (dy: Tensor, saved: Tensor[]) => {
        const [y] = saved as [Tensor];
        return y.mul(dy.sub(dy.mul(y).sum(-1, true)));
      },
    };
  })(x);
}

/** Rows of `table` `[rows, columns]` at `indices` (int32, `[n]`): `[n, columns]`. */
export function gatherRows(table: Tensor, indices: Tensor): Tensor {
  return tf.customGrad((...args: unknown[]) => {
    const [table, save] = args as [Tensor, (saved: Tensor[]) => void];
    const rows = table.shape[0];
    save([indices]);
    const attrs = [integer('batch_dims', 0), type('Tparams', DataType.float32), type('Tindices', DataType.int32), type('Taxis', DataType.int32)];
    return {
      value: nodeBackend().executeSingleOutput('GatherV2', attrs, [table, indices, tf.scalar(0, 'int32')]),
      gradFunc: (dy: Tensor, saved: Tensor[]) => tf.unsortedSegmentSum(dy as ReturnType<typeof tf.tensor2d>, saved[0] as ReturnType<typeof tf.tensor1d>, rows),
    };
  })(table);
}

/** Cross-entropy of each row's logits `[rows, classes]` against a class (int32 `[rows]`): `[rows]`. */
export function crossEntropy(logits: Tensor, classes: Tensor): Tensor {
  return tf.customGrad((...args: unknown[]) => {
    const [logits, save] = args as [Tensor, (saved: Tensor[]) => void];
    const attrs = [FLOAT, type('Tlabels', DataType.int32)];
    const [loss, gradient] = nodeBackend().executeMultipleOutputs('SparseSoftmaxCrossEntropyWithLogits', attrs, [logits, classes], 2) as [Tensor, Tensor];
    save([gradient]);
    return { value: loss, gradFunc: (dy: Tensor, saved: Tensor[]) => (saved[0] as Tensor).mul(dy.expandDims(1)) };
  })(logits);
}

/** `x`, through which no gradient flows: what weighs a loss must not be learned to be small. */
export function stopGradient(x: Tensor): Tensor {
  return tf.customGrad((...args: unknown[]) => {
    const [x] = args as [Tensor];
    return { value: nodeBackend().executeSingleOutput('StopGradient', [FLOAT], [x]), gradFunc: (dy: Tensor) => tf.zerosLike(dy) };
  })(x);
}

/** Dropout whose mask is a pure function of `seed` (int32 scalar tensor) and `site`. Drawn by a native op; tf.dropout fills its mask in JavaScript. */
export function dropout(x: Tensor, { rate, seed, site }: { rate: number; seed: Tensor; site: number }): Tensor {
  if (rate === 0) return x;
  return tf.customGrad((...args: unknown[]) => {
    const [x, save] = args as [Tensor, (saved: Tensor[]) => void];
    const key = tf.stack([seed, tf.scalar(site, 'int32')]);
    const attrs = [type('dtype', DataType.float32), type('T', DataType.int32), type('Tseed', DataType.int32)];
    const uniform = nodeBackend().executeSingleOutput('StatelessRandomUniform', attrs, [tf.tensor1d(x.shape, 'int32'), key]);
    const mask = uniform.greaterEqual(rate).cast('float32').mul(1 / (1 - rate));
    save([mask]);
    return { value: x.mul(mask), gradFunc: (dy: Tensor, saved: Tensor[]) => dy.mul(saved[0] as Tensor) };
  })(x);
}

function rowMean(x: Tensor): Tensor {
  return x.mean(-1, true);
}
