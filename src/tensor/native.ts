/**
 * The parts of a transformer as kernels of ours (native/), one pass over memory each. CPU only. Gradients read nothing but what was saved:
 * tfjs disposes what else the forward pass made.
 */
import { nodeBackend, tf, type OpAttribute, type Tensor } from './backend.ts';
import type { DropoutSite, Kernels } from './kernels.ts';
import { DataType } from './proto.ts';

const float = (name: string, value: number): OpAttribute => ({ name, type: 2, value });
const integer = (name: string, value: number): OpAttribute => ({ name, type: 1, value });
const FLOAT: OpAttribute = { name: 'T', type: 4, value: DataType.float32 };
const SECOND: OpAttribute = { name: 'D', type: 4, value: DataType.float32 };

type Save = (saved: Tensor[]) => void;

export const native: Kernels = {
  dropout(x, { rate, seed, site }) {
    const attributes = [float('rate', rate), integer('site', site)];
    return tf.customGrad((...args: unknown[]) => {
      const [x, save] = args as [Tensor, Save];
      save([seed]);
      return { value: one('MtmtDropout', attributes, [x, seed]), gradFunc: (dy: Tensor, saved: Tensor[]) => one('MtmtDropout', attributes, [dy, ...saved]) };
    })(x);
  },

  addNorm(x, bias, residual, { scale, shift, epsilon, drop }) {
    const attributes = [FLOAT, float('epsilon', epsilon), ...siteOf(drop)];
    return tf.customGrad((...args: unknown[]) => {
      const [x, bias, residual, scale, shift, save] = args as [Tensor, Tensor, Tensor, Tensor, Tensor, Save];
      const [y, , stats] = several('MtmtLayerNorm', attributes, [x, bias, residual, scale, shift, drop.seed], 3) as [Tensor, Tensor, Tensor];
      save([x, bias, residual, scale, stats, drop.seed]);
      return {
        value: y,
        // the second part of the gradient is empty here; the graph gives both parts of a sum without adding them
        gradFunc: (dy: Tensor, saved: Tensor[]) => several('MtmtLayerNormGrad', [SECOND, ...attributes], [dy, tf.zeros([0]), ...saved], 5),
      };
    })(x, bias, residual, scale, shift);
  },

  biasGelu(x, bias) {
    return tf.customGrad((...args: unknown[]) => {
      const [x, bias, save] = args as [Tensor, Tensor, Save];
      save([x, bias]);
      return { value: one('MtmtBiasGelu', [FLOAT], [x, bias]), gradFunc: (dy: Tensor, saved: Tensor[]) => several('MtmtBiasGeluGrad', [FLOAT], [dy, ...saved], 2) };
    })(x, bias);
  },

  attention(qkv, bias, segments, { heads, drop }) {
    const attributes = [FLOAT, integer('heads', heads), ...siteOf(drop)];
    return tf.customGrad((...args: unknown[]) => {
      const [qkv, bias, save] = args as [Tensor, Tensor, Save];
      const [mixed, lse] = several('MtmtAttention', attributes, [qkv, bias, segments, drop.seed], 2) as [Tensor, Tensor];
      save([qkv, bias, segments, lse, drop.seed]);
      return { value: mixed, gradFunc: (dy: Tensor, saved: Tensor[]) => several('MtmtAttentionGrad', attributes, [dy, ...saved], 2) };
    })(qkv, bias);
  },
};

function siteOf({ rate, site }: DropoutSite): OpAttribute[] {
  return [float('rate', rate), integer('site', site)];
}

function one(op: string, attributes: OpAttribute[], inputs: Tensor[]): Tensor {
  return nodeBackend().executeSingleOutput(op, attributes, inputs);
}

function several(op: string, attributes: OpAttribute[], inputs: Tensor[], outputs: number): Tensor[] {
  return nodeBackend().executeMultipleOutputs(op, attributes, inputs, outputs);
}
