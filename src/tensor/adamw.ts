/** AdamW with clipping by global norm, as nodes of a graph; equal to torch.optim.AdamW and clip_grad_norm_. */
import type { Emitted } from './emit.ts';
import { controlOf, type GraphBuilder, type GraphVariable, type Ref } from './graph.ts';
import { DataType } from './proto.ts';

export interface AdamWOptions {
  /** Gradients are scaled to at most this global norm. */
  readonly clipNorm: number;
  readonly weightDecay: number;
  /** Variables without weight decay: biases and layer norms. */
  readonly hasDecay: (variable: string) => boolean;
  /** Variables that step with the head's learning rate. */
  readonly isHead: (variable: string) => boolean;
  /** What a variable's learning rate is multiplied with; 1 if absent. */
  readonly rateFactor?: (variable: string) => number;
}

/** Inputs of the graph that change at every step; `adamScalars` computes them. */
export const ADAM_INPUTS = ['learningRate', 'headLearningRate', 'correction', 'epsilon'] as const;
export type AdamInputs = Record<(typeof ADAM_INPUTS)[number], Ref>;

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;
/** torch's clip_grad_norm_ adds it to the norm. */
const CLIP_EPSILON = 1e-6;
const SLOTS = ['adam.m', 'adam.v'] as const;
const SUM = 'adam.sum';

/**
 * What corrects the bias of young averages, in double precision.
 * @param step 1 for the first
 * torch computes lr / (1-b1^t) m / (sqrt(v) / sqrt(1-b2^t) + e), which is lr c m / (sqrt(v) + e') with c = sqrt(1-b2^t) / (1-b1^t), e' = e sqrt(1-b2^t).
 */
export function adamScalars(step: number): { correction: number; epsilon: number } {
  const root = Math.sqrt(1 - BETA2 ** step);
  return { correction: root / (1 - BETA1 ** step), epsilon: EPSILON * root };
}

/** Names of the optimizer's variables for a trained variable; with the sum of gradients where they are accumulated. */
export function slotNames(variable: string, accumulates = false): string[] {
  return [...averageNames(variable), ...(accumulates ? [`${SUM}/${variable}`] : [])];
}

/** Those that live from step to step: the averages of gradients and of their squares. */
export function averageNames(variable: string): string[] {
  return SLOTS.map((slot) => `${slot}/${variable}`);
}

export interface AdamWSpec {
  readonly variables: ReadonlyMap<string, GraphVariable>;
  readonly gradients: ReadonlyMap<string, Emitted>;
  readonly inputs: AdamInputs;
  readonly options: AdamWOptions;
  readonly scope: string;
  /** What the function gives beside its gradients: it may read variables, and does so before any changes. */
  readonly outputs: readonly Ref[];
  /** Whether kernels of ours are there, which read and write everything once. */
  readonly isNative: boolean;
}

interface AccumulationSpec extends Pick<AdamWSpec, 'variables' | 'gradients' | 'scope'> {
  /** 1 / batches of a step, float32 scalar. */
  readonly share: Ref;
}

/**
 * Gradients of several batches as one step's.
 * @returns `adds`: nodes that add this batch's to the sums; `gradients`: means of the sums and this batch's; `clear`: makes the sums zero after a node
 */
export function addAccumulation(graph: GraphBuilder, { variables, gradients, scope, share }: AccumulationSpec): { adds: Ref[]; gradients: Map<string, Emitted>; clear: (after: readonly Ref[]) => Ref[] } {
  const float = { dtype: { type: DataType.float32 } };
  const parts = [...gradients].map(([name, gradient]) => {
    const sum = graph.variable(`${SUM}/${name}`, (variables.get(name) as GraphVariable).shape);
    const own = full(graph, gradient, scope);
    const total = graph.float('Mul', [graph.float('AddV2', [graph.read(sum, `${scope}/sum`), own], `${scope}/total`), share], `${scope}/mean`);
    return { name, sum, total, add: graph.add('AssignAddVariableOp', [sum.handle, own], float, `${scope}/add`) };
  });
  return {
    adds: parts.map(({ add }) => add),
    gradients: new Map(parts.map(({ name, total }) => [name, { ref: total, isHalf: false }])),
    clear: (after) => parts.map(({ sum, total }) => graph.assign(sum, graph.float('ZerosLike', [total, ...after.map(controlOf)], `${scope}/zero`), `${scope}/clear`)),
  };
}

/** @returns the global norm before clipping, and the nodes that update */
export function addAdamW(graph: GraphBuilder, spec: AdamWSpec): { gradNorm: Ref; updates: Ref[] } {
  const { variables, gradients, inputs, options, scope, outputs, isNative } = spec;
  const squares = [...gradients.values()].map((gradient) => squareSum(graph, gradient, spec));
  const gradNorm = graph.float('Sqrt', [graph.float('AddN', squares, `${scope}/sum`, { N: { i: squares.length } })], `${scope}/gradNorm`);
  const ratio = graph.float('RealDiv', [graph.scalar(options.clipNorm), graph.float('AddV2', [gradNorm, graph.scalar(CLIP_EPSILON)], `${scope}/floor`)], `${scope}/ratio`);
  // depends on every gradient and output: no variable changes before all are computed
  const clip = graph.float('Minimum', [graph.scalar(1), ratio, ...outputs.map(controlOf)], `${scope}/clip`);
  const rates = new Map<string, Ref>();
  const rateOf = (name: string): Ref => {
    const rate = options.isHead(name) ? inputs.headLearningRate : inputs.learningRate;
    const factor = options.rateFactor?.(name) ?? 1;
    if (factor === 1) return rate;
    const key = `${rate} ${factor}`;
    const scaled = rates.get(key) ?? graph.float('Mul', [rate, graph.scalar(factor)], `${scope}/layerRate`);
    rates.set(key, scaled);
    return scaled;
  };
  const updates: Ref[] = [];
  for (const [name, gradient] of gradients) {
    const variable = variables.get(name);
    if (variable === undefined) continue;
    const slots = slotNames(name).map((slot) => graph.variable(slot, variable.shape).handle);
    const step = {
      variable,
      slots,
      gradient,
      clip,
      rate: rateOf(name),
      decay: options.hasDecay(name) ? options.weightDecay : 0,
    };
    updates.push((isNative ? nativeStep : composedStep)(graph, step, spec));
  }
  return { gradNorm, updates };
}

interface Step {
  readonly variable: GraphVariable;
  readonly slots: readonly Ref[];
  readonly gradient: Emitted;
  readonly clip: Ref;
  readonly rate: Ref;
  readonly decay: number;
}

function nativeStep(graph: GraphBuilder, { variable, slots, gradient, clip, rate, decay }: Step, { inputs, scope }: AdamWSpec): Ref {
  const attrs = { T: { type: typeOf(gradient) }, decay: { f: decay } };
  const memory = [variable.handle, ...slots].map((handle) => graph.read({ handle, shape: variable.shape }, `${scope}/memory`, [clip]));
  return graph.add('MtmtAdamW', [...memory, gradient.ref, clip, rate, inputs.correction, inputs.epsilon], attrs, `${scope}/adam`);
}

function composedStep(graph: GraphBuilder, { variable, slots, gradient, clip, rate, decay }: Step, { inputs, scope }: AdamWSpec): Ref {
  const clipped = graph.float('Mul', [full(graph, gradient, scope), clip], `${scope}/clipped`);
  let after: Ref = clipped;
  if (decay > 0) {
    const current = graph.read(variable, `${scope}/current`, [clip]);
    const factor = graph.float('Mul', [rate, graph.scalar(decay)], `${scope}/decay`);
    after = graph.add('AssignSubVariableOp', [variable.handle, graph.float('Mul', [current, factor], `${scope}/decay`)], { dtype: { type: DataType.float32 } }, `${scope}/decayed`);
  }
  // the kernel corrects by powers of the betas itself: with zeros it does nothing, and the rate is corrected here
  const corrected = graph.float('Mul', [rate, inputs.correction], `${scope}/rate`);
  const zero = graph.scalar(0);
  return graph.add(
    'ResourceApplyAdam',
    [variable.handle, ...slots, zero, zero, corrected, graph.scalar(BETA1), graph.scalar(BETA2), inputs.epsilon, clipped, controlOf(after)],
    { T: { type: DataType.float32 }, use_locking: { b: false }, use_nesterov: { b: false } },
    `${scope}/adam`,
  );
}

function squareSum(graph: GraphBuilder, gradient: Emitted, { scope, isNative }: AdamWSpec): Ref {
  if (isNative) return graph.add('MtmtSquareSum', [gradient.ref], { T: { type: typeOf(gradient) } }, `${scope}/squares`);
  return graph.float('Mul', [graph.float('L2Loss', [full(graph, gradient, scope)], `${scope}/l2`), graph.scalar(2)], `${scope}/squares`);
}

function full(graph: GraphBuilder, { ref, isHalf }: Emitted, scope: string): Ref {
  return isHalf ? graph.cast(ref, DataType.bfloat16, DataType.float32, `${scope}/full`) : ref;
}

function typeOf({ isHalf }: Emitted): number {
  return isHalf ? DataType.bfloat16 : DataType.float32;
}
