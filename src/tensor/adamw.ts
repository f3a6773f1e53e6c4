/** AdamW with clipping by global norm, as nodes of a graph; equal to torch.optim.AdamW and clip_grad_norm_. */
import type { GraphBuilder, GraphVariable, Ref } from './graph.ts';
import { DataType } from './proto.ts';

export interface AdamWOptions {
  /** Gradients are scaled to at most this global norm. */
  readonly clipNorm: number;
  readonly weightDecay: number;
  /** Variables without weight decay: biases and layer norms. */
  readonly hasDecay: (variable: string) => boolean;
  /** Variables that step with the head's learning rate. */
  readonly isHead: (variable: string) => boolean;
}

/** Inputs of the graph that change at every step; `adamScalars` computes them. */
export const ADAM_INPUTS = ['learningRate', 'headLearningRate', 'beta1Power', 'beta2Power', 'epsilon'] as const;
export type AdamInputs = Record<(typeof ADAM_INPUTS)[number], Ref>;

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;
/** torch's clip_grad_norm_ adds it to the norm. */
const CLIP_EPSILON = 1e-6;
const SLOTS = ['adam.m', 'adam.v'] as const;

/**
 * @param step 1 for the first
 * TensorFlow's kernel computes lr sqrt(1-b2^t)/(1-b1^t) m / (sqrt(v) + e): torch's epsilon stands after the bias correction, so e is scaled.
 */
export function adamScalars(step: number): { beta1Power: number; beta2Power: number; epsilon: number } {
  return { beta1Power: BETA1 ** step, beta2Power: BETA2 ** step, epsilon: EPSILON * Math.sqrt(1 - BETA2 ** step) };
}

/** Names of the optimizer's variables for a trained variable. */
export function slotNames(variable: string): string[] {
  return SLOTS.map((slot) => `${slot}/${variable}`);
}

/** @returns the global norm before clipping, and the nodes that update */
export function addAdamW(
  graph: GraphBuilder,
  { variables, gradients, inputs, options, scope }: {
    variables: ReadonlyMap<string, GraphVariable>;
    gradients: ReadonlyMap<string, Ref>;
    inputs: AdamInputs;
    options: AdamWOptions;
    scope: string;
  },
): { gradNorm: Ref; updates: Ref[] } {
  const halfSquares = [...gradients.values()].map((gradient) => graph.float('L2Loss', [gradient], `${scope}/l2`));
  const halfSum = graph.float('AddN', halfSquares, `${scope}/sum`, { N: { i: halfSquares.length } });
  const gradNorm = graph.float('Sqrt', [graph.float('Mul', [halfSum, graph.scalar(2)], `${scope}/square`)], `${scope}/gradNorm`);
  const ratio = graph.float('RealDiv', [graph.scalar(options.clipNorm), graph.float('AddV2', [gradNorm, graph.scalar(CLIP_EPSILON)], `${scope}/floor`)], `${scope}/ratio`);
  const clip = graph.float('Minimum', [graph.scalar(1), ratio], `${scope}/clip`);
  const updates: Ref[] = [];
  for (const [name, gradient] of gradients) {
    const variable = variables.get(name);
    if (variable === undefined) continue;
    const rate = options.isHead(name) ? inputs.headLearningRate : inputs.learningRate;
    const clipped = graph.float('Mul', [gradient, clip], `${scope}/clipped`);
    let after: Ref = clipped;
    if (options.weightDecay > 0 && options.hasDecay(name)) {
      // every gradient is computed before any variable changes: `clip` depends on all of them
      const current = graph.read(variable, `${scope}/current`, [clip]);
      const factor = graph.float('Mul', [rate, graph.scalar(options.weightDecay)], `${scope}/decay`);
      const decay = graph.float('Mul', [current, factor], `${scope}/decay`);
      after = graph.add('AssignSubVariableOp', [variable.handle, decay], { dtype: { type: DataType.float32 } }, `${scope}/decayed`);
    }
    const [m, v] = slotNames(name).map((slot) => graph.variable(slot, variable.shape)) as [GraphVariable, GraphVariable];
    updates.push(
      graph.add(
        'ResourceApplyAdam',
        [variable.handle, m.handle, v.handle, inputs.beta1Power, inputs.beta2Power, rate, graph.scalar(BETA1), graph.scalar(BETA2), inputs.epsilon, clipped, `^${after}`],
        { T: { type: DataType.float32 }, use_locking: { b: false }, use_nesterov: { b: false } },
        `${scope}/adam`,
      ),
    );
  }
  return { gradNorm, updates };
}
