/** The parts of a transformer that are worth a kernel of their own, with their gradients. All tensors are float32 unless said. */
import { hasNativeKernels, type Tensor } from './backend.ts';
import { composed } from './composed.ts';
import { native } from './native.ts';

/** One place of dropout: its mask depends on `seed` (int32 scalar tensor) and `site` alone. */
export interface DropoutSite {
  /** 0: nothing is dropped. */
  readonly rate: number;
  readonly seed: Tensor;
  readonly site: number;
}
export interface NormOptions {
  /** `[columns]` */
  readonly scale: Tensor;
  /** `[columns]` */
  readonly shift: Tensor;
  readonly epsilon: number;
  readonly drop: DropoutSite;
}
export interface AttentionOptions {
  readonly heads: number;
  readonly drop: DropoutSite;
}

export interface Kernels {
  /** Any shape. */
  dropout(x: Tensor, drop: DropoutSite): Tensor;
  /** Layer normalization of `residual + dropout(x + bias)`: x and residual `[rows, columns]`, bias `[columns]`. */
  addNorm(x: Tensor, bias: Tensor, residual: Tensor, options: NormOptions): Tensor;
  /** `gelu(x + bias)`, the exact (erf) one: x `[rows, columns]`, bias `[columns]`. */
  biasGelu(x: Tensor, bias: Tensor): Tensor;
  /**
   * Multi-head self-attention of packed sequences before its output projection.
   * @param qkv products of queries, keys and values, side by side `[rows * length, 3 * hidden]` @param bias theirs, `[3 * hidden]`
   * @param segments int32 `[rows, length]`: number of the packed sequence that a piece belongs to, 0 for padding
   * @returns `[rows * length, hidden]`
   */
  attention(qkv: Tensor, bias: Tensor, segments: Tensor, options: AttentionOptions): Tensor;
}

/** Columns that a kernel takes at a time. */
const LANES = 16;

export const kernels: Kernels = {
  dropout: (x, drop) => (drop.rate === 0 ? x : (hasNativeKernels() ? native : composed).dropout(x, drop)),
  addNorm: (x, bias, ...rest) => fitting(bias).addNorm(x, bias, ...rest),
  biasGelu: (x, bias) => fitting(bias).biasGelu(x, bias),
  attention: (...args) => (hasNativeKernels() ? native : composed).attention(...args),
};

function fitting(bias: Tensor): Kernels {
  return hasNativeKernels() && bias.size % LANES === 0 ? native : composed;
}
