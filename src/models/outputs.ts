/** What a model computes for each piece, as named results of a compiled function. */
import { noDropout, type Dropout } from '../layers/dropout.ts';
import type { Tensor } from '../tensor/backend.ts';
import type { FunctionSpec, InputSpec, Tensors } from '../tensor/program-spec.ts';
import { kernels } from '../tensor/kernels.ts';
import { addBias, linear, softmax } from '../tensor/ops.ts';
import type { EncoderConfig } from './config.ts';
import { encode } from './encoder.ts';
import { HEAD_BIAS, HEAD_WEIGHT, RIGHT_HEAD_BIAS, RIGHT_HEAD_WEIGHT } from './names.ts';

export interface RowShape {
  readonly rows: number;
  readonly length: number;
}

/** Inputs of every function that encodes: word vectors looked up outside, or pieces where the word embeddings are a variable. */
export function encoderInputs(config: EncoderConfig, { rows, length }: RowShape, hasWordVariable: boolean): Record<string, InputSpec> {
  const flat = rows * length;
  return {
    ...(hasWordVariable ? { pieces: { shape: [flat], dtype: 'int32' } as const } : { wordVectors: { shape: [flat, config.hiddenSize], dtype: 'float32' } as const }),
    positions: { shape: [flat], dtype: 'int32' },
    segments: { shape: [rows, length], dtype: 'int32' },
  };
}

/** @returns the last hidden layer, `[rows * length, hidden]` */
export function encodeInputs(config: EncoderConfig, weights: Tensors, inputs: Tensors, drop: Dropout): Tensor {
  const { wordVectors, pieces, positions, segments } = inputs;
  if (positions === undefined || segments === undefined) throw new TypeError('an encoding function needs positions and segments');
  return encode(config, weights, { ...(wordVectors && { wordVectors }), ...(pieces && { pieces }), positions, segments }, drop);
}

/** Tag logits of word vectors: `[n, hidden] -> [n, tags]`. @param side of a pair, whose head it is where there are two; one head serves both */
export function tagLogits(weights: Tensors, vectors: Tensor, drop: Dropout, side: 'left' | 'right' = 'left'): Tensor {
  const isRight = side === 'right' && hasTwoHeads(weights);
  const { [isRight ? RIGHT_HEAD_WEIGHT : HEAD_WEIGHT]: weight, [isRight ? RIGHT_HEAD_BIAS : HEAD_BIAS]: bias } = weights;
  if (weight === undefined || bias === undefined) throw new TypeError('the model has no tag head');
  return addBias(linear(kernels.dropout(vectors, drop()), weight), bias);
}

/** `probs` `[rows * length, tags]` where there is a head, `vectors` `[rows * length, hidden]` where they are wanted. */
export function predictFunction(config: EncoderConfig, shape: RowShape, options: { hasHead: boolean; hasVectors: boolean; hasWordVariable: boolean }): FunctionSpec {
  return {
    inputs: encoderInputs(config, shape, options.hasWordVariable),
    run: (weights, inputs) => {
      const vectors = encodeInputs(config, weights, inputs, noDropout);
      return {
        ...(options.hasHead && { probs: softmax(meanLogits(weights, vectors)) }),
        ...(options.hasVectors && { vectors }),
      };
    },
  };
}

/** Of both heads where there are two: what a head of their mean weights gives, as which they are saved. */
function meanLogits(weights: Tensors, vectors: Tensor): Tensor {
  const left = tagLogits(weights, vectors, noDropout);
  return hasTwoHeads(weights) ? left.add(tagLogits(weights, vectors, noDropout, 'right')).mul(0.5) : left;
}

function hasTwoHeads(weights: Tensors): boolean {
  return weights[RIGHT_HEAD_WEIGHT] !== undefined;
}
