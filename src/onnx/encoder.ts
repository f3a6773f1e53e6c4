/** An encoder, and the tag head on it, as a graph of ONNX operators: the mathematics of `models/encoder.ts` for padded batches of any size. */
import type { EncoderConfig } from '../models/config.ts';
import { HEAD_BIAS, HEAD_WEIGHT, isLinearWeight } from '../models/names.ts';
import { GraphBuilder, type Graph } from './graph.ts';
import { floatWeights, integerWeights, type Precision, type Weights } from './linear.ts';
import type { Port } from './messages.ts';

/** Added to the scores of padding, which softmax then gives exactly 0; the lowest float32, as in transformers. */
const MASKED = -3.4028234663852886e38;
const AXES = ['batch', 'sequence'] as const;

export interface EncoderGraphOptions {
  readonly config: EncoderConfig;
  /** Tags of the head; null: there is none, and the word vectors are the output. */
  readonly tags: number | null;
  /** From our name of a weight to the graph's. */
  readonly nameOf: (weight: string) => string;
  /** int8: weights are as `quantizedWeights` has them. */
  readonly precision: Precision;
}

/**
 * Inputs int64 `[batch, sequence]`: `input_ids`, `attention_mask` (1, and 0 for padding), and `token_type_ids` in the BERT family.
 * Output float32: `logits` `[batch, sequence, tags]`, or without a head `last_hidden_state` `[batch, sequence, hidden]`.
 */
export function encoderGraph({ config, tags, nameOf, precision }: EncoderGraphOptions): Graph {
  const builder = new GraphBuilder();
  const weights = precision === 'int8' ? integerWeights(builder) : floatWeights(builder);
  const part: Part = { builder, weights, config, nameOf };
  const output = tags === null ? 'last_hidden_state' : 'logits';
  let x = embed(part);
  const mask = maskOf(part);
  for (let layer = 0; layer < config.layers; layer++) {
    const isOutput = tags === null && layer === config.layers - 1;
    x = block({ ...part, nameOf: (weight) => nameOf(`layers.${layer}.${weight}`) }, { x, mask, ...(isOutput && { output }) });
  }
  if (tags !== null) builder.add('Add', [builder.add('MatMul', [x, nameOf(HEAD_WEIGHT)]), nameOf(HEAD_BIAS)], {}, output);
  const outputs: Port[] = [{ name: output, dtype: 'float32', shape: [...AXES, tags ?? config.hiddenSize] }];
  return builder.finish({ inputs: inputNames(config).map((name) => ({ name, dtype: 'int64', shape: AXES })), outputs });
}

export function inputNames({ family }: Pick<EncoderConfig, 'family'>): string[] {
  return ['input_ids', 'attention_mask', ...(family === 'bert' ? ['token_type_ids'] : [])];
}

/** Linear weights are read the other way round, `[in, out]`. @param name ours */
export function isTransposed(name: string): boolean {
  return isLinearWeight(name);
}

interface Part {
  readonly builder: GraphBuilder;
  readonly weights: Weights;
  readonly config: EncoderConfig;
  readonly nameOf: (weight: string) => string;
}

/** @returns `[batch, sequence, hidden]` */
function embed(part: Part): string {
  const { builder, weights, config, nameOf } = part;
  const look = (table: string, rows: string): string => builder.add('Gather', [nameOf(table), rows], { axis: { i: 0 } });
  let x = builder.add('Add', [weights.look(nameOf('embeddings.word'), 'input_ids'), look('embeddings.position', positionsOf(part))]);
  if (config.typeVocabularySize > 0) x = builder.add('Add', [x, look('embeddings.type', config.family === 'bert' ? 'token_type_ids' : builder.integer(0))]);
  return norm(part, { x, weights: 'embeddings.norm' });
}

/** Rows of the position table: counted from 0, or in RoBERTa from the padding piece's id over what is no padding. */
function positionsOf({ builder, config }: Part): string {
  if (config.family !== 'xlm-roberta') {
    const length = builder.add('Squeeze', [builder.add('Shape', ['input_ids'], { start: { i: 1 }, end: { i: 2 } })]);
    return builder.add('Range', [builder.integer(0), length, builder.integer(1)]);
  }
  const pad = builder.integer(config.padId);
  const isPiece = builder.add('Cast', [builder.add('Not', [builder.add('Equal', ['input_ids', pad])])], { to: { i: 7 } });
  const count = builder.add('Mul', [builder.add('CumSum', [isPiece, builder.integer(1)]), isPiece]);
  return builder.add('Add', [count, pad]);
}

/** @returns `[batch, 1, 1, sequence]`, added to attention scores */
function maskOf({ builder }: Part): string {
  const isPiece = builder.add('Cast', ['attention_mask'], { to: { i: 1 } });
  const bias = builder.add('Mul', [builder.add('Sub', [builder.number(1), isPiece]), builder.number(MASKED)]);
  return builder.add('Unsqueeze', [bias, builder.integers(1, 2)]);
}

/** @param x `[batch, sequence, hidden]` @param output name of the result, of the same shape */
function block(part: Part, { x, mask, output }: { x: string; mask: string; output?: string }): string {
  const { builder } = part;
  const middle = norm(part, { x: builder.add('Add', [linear(part, attention(part, { x, mask }), 'output'), x]), weights: 'attentionNorm' });
  const wide = gelu(builder, linear(part, middle, 'up', { rowwise: true }));
  return norm(part, { x: builder.add('Add', [linear(part, wide, 'down', { rowwise: true }), middle]), weights: 'outputNorm', ...(output !== undefined && { output }) });
}

function attention(part: Part, { x, mask }: { x: string; mask: string }): string {
  const { builder, config } = part;
  const width = config.hiddenSize / config.heads;
  const heads = (name: string, order: readonly number[]): string => {
    const split = builder.add('Reshape', [linear(part, x, name), builder.integers(0, 0, config.heads, width)]); // [batch, sequence, heads, width]
    return builder.add('Transpose', [split], { perm: { ints: order } });
  };
  const products = builder.add('MatMul', [heads('query', [0, 2, 1, 3]), heads('key', [0, 2, 3, 1])]); // [batch, heads, sequence, sequence]
  const scores = builder.add('Add', [builder.add('Div', [products, builder.number(Math.sqrt(width))]), mask]);
  const mixed = builder.add('MatMul', [builder.add('Softmax', [scores], { axis: { i: -1 } }), heads('value', [0, 2, 1, 3])]);
  const joined = builder.add('Transpose', [mixed], { perm: { ints: [0, 2, 1, 3] } });
  return builder.add('Reshape', [joined, builder.integers(0, 0, config.hiddenSize)]);
}

function linear({ builder, weights, nameOf }: Part, x: string, name: string, options: { rowwise?: boolean } = {}): string {
  return builder.add('Add', [weights.multiply(x, nameOf(`${name}.weight`), options), nameOf(`${name}.bias`)]);
}

function norm({ builder, config, nameOf }: Part, { x, weights, output }: { x: string; weights: string; output?: string }): string {
  const attributes = { axis: { i: -1 }, epsilon: { f: config.layerNormEpsilon } };
  return builder.add('LayerNormalization', [x, nameOf(`${weights}.scale`), nameOf(`${weights}.shift`)], attributes, output);
}

/** In the order that onnxruntime knows and makes one kernel of. */
function gelu(builder: GraphBuilder, x: string): string {
  const erf = builder.add('Erf', [builder.add('Div', [x, builder.number(Math.SQRT2)])]);
  return builder.add('Mul', [builder.add('Mul', [x, builder.add('Add', [erf, builder.number(1)])]), builder.number(0.5)]);
}
