/** Times one function of an encoder with a tag head: a training step, or a prediction. Random pieces and tags, and random weights unless an encoder is given. */
import { performance } from 'node:perf_hooks';
import { EncoderWeights } from '../encoders/weights.ts';
import { random, type Random } from '../corpora/random.ts';
import { dropoutSites } from '../layers/dropout.ts';
import type { EncoderConfig } from '../models/config.ts';
import { encoderWeightNames, HEAD_BIAS, HEAD_WEIGHT, layerWeightNames } from '../models/names.ts';
import { encodeInputs, encoderInputs, predictFunction, tagLogits } from '../models/outputs.ts';
import { input } from '../training/task.ts';
import { tagLoss } from '../training/losses.ts';
import { compile } from '../tensor/compile.ts';
import type { FunctionSpec, TrainingSpec } from '../tensor/program-spec.ts';
import type { Program, Values } from '../tensor/program.ts';
import type { Precision } from '../tensor/emit.ts';
import type { NamedTensor, NamedTensors } from '../tensor/safetensors.ts';
import { weightShape } from '../models/shapes.ts';

export interface Workload {
  readonly what: 'train' | 'predict';
  readonly precision: Precision;
  readonly batch: number;
  /** Pieces a sentence; every sentence fills its row. */
  readonly length: number;
  readonly config: EncoderConfig;
  /** Embeddings and so many of the lowest layers get no gradient; -1: everything is trained. */
  readonly freeze: number;
  /** Of an installed encoder; its weights are read from there. */
  readonly directory?: string;
}

export interface Measured {
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly piecesPerSecond: number;
  /** From having the weights to the end of the first call. */
  readonly compileMs: number;
  /** Highest resident size of the process so far. */
  readonly peakBytes: number;
}

const TAGS = 9;
const DROPOUT = 0.1;
const WARM_UP = 3;
const SPREAD = 0.02;

export function measure(workload: Workload, repeats: number): Measured {
  const isTraining = workload.what === 'train';
  const weights = weightsOf(workload, isTraining && workload.freeze < 0);
  const began = performance.now();
  const { program, run } = (isTraining ? training : prediction)(workload, weights);
  run(1);
  const compileMs = performance.now() - began;
  for (let call = 1; call < WARM_UP; call++) run(call + 1);
  const times = Array.from({ length: repeats }, (_, call) => {
    const start = performance.now();
    run(WARM_UP + call + 1);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  program.dispose();
  const medianMs = median(times);
  return {
    medianMs,
    minMs: times[0] ?? NaN,
    maxMs: times.at(-1) ?? NaN,
    piecesPerSecond: (1000 * workload.batch * workload.length) / medianMs,
    compileMs,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

interface Prepared {
  readonly program: Program;
  readonly run: (call: number) => void;
}

function training(workload: Workload, weights: NamedTensors): Prepared {
  const { config, batch, length, freeze } = workload;
  const size = batch * length;
  const isFrozen = freeze >= 0;
  const step: TrainingSpec = {
    inputs: {
      ...encoderInputs(config, { rows: batch, length }, !isFrozen),
      tags: { shape: [size], dtype: 'int32' },
      tagWeights: { shape: [size], dtype: 'float32' },
      seed: { shape: [], dtype: 'int32' },
    },
    run: (weights, inputs) => {
      const drop = dropoutSites(DROPOUT, input(inputs, 'seed'));
      return { loss: tagLoss(tagLogits(weights, encodeInputs(config, weights, inputs, drop), drop), input(inputs, 'tags'), input(inputs, 'tagWeights')) };
    },
    optimizer: { clipNorm: 1, weightDecay: 0.01, hasDecay: (name) => name.endsWith('.weight') || name === 'embeddings.word', isHead: () => false },
  };
  const layers = Array.from({ length: config.layers }, (_, layer) => layerWeightNames(layer)).slice(Math.max(0, freeze));
  const embeddings = isFrozen ? [] : encoderWeightNames(config).filter((name) => name.startsWith('embeddings.'));
  const program = compile({ variables: weights, trained: new Set([...embeddings, ...layers.flat(), HEAD_WEIGHT, HEAD_BIAS]), functions: { step }, precision: workload.precision });
  const generator = random(1);
  const values = { ...inputsOf(workload, generator, !isFrozen), tags: whole(size, TAGS, generator), tagWeights: new Float32Array(size).fill(1 / size) };
  return { program, run: (call) => void program.call('step', { ...values, seed: Int32Array.of(call) }, { step: call, learningRate: 1e-5, headLearningRate: 1e-5 }) };
}

function prediction(workload: Workload, weights: NamedTensors): Prepared {
  const { config, batch, length, precision } = workload;
  const predict: FunctionSpec = predictFunction(config, { rows: batch, length }, { hasHead: true, hasVectors: false, hasWordVariable: false });
  const program = compile({ variables: weights, functions: { predict }, precision });
  const values = inputsOf(workload, random(1), false);
  return { program, run: () => void program.call('predict', values) };
}

function inputsOf({ config, batch, length }: Workload, generator: Random, hasWordVariable: boolean): Values {
  const size = batch * length;
  const words: Values = hasWordVariable ? { pieces: whole(size, config.vocabularySize, generator) } : { wordVectors: spread(size * config.hiddenSize, generator) };
  return { ...words, positions: Int32Array.from({ length: size }, (_, at) => config.firstPosition + (at % length)), segments: new Int32Array(size).fill(1) };
}

function weightsOf({ config, directory }: Workload, hasWordVariable: boolean): NamedTensors {
  const generator = random(0);
  const head = { [HEAD_WEIGHT]: { shape: [TAGS, config.hiddenSize], data: spread(TAGS * config.hiddenSize, generator) }, [HEAD_BIAS]: { shape: [TAGS], data: new Float32Array(TAGS) } };
  const names = encoderWeightNames(config).filter((name) => hasWordVariable || name !== 'embeddings.word');
  if (directory === undefined) return { ...Object.fromEntries(names.map((name) => [name, made(config, name, generator)])), ...head };
  return { ...new EncoderWeights({ directory, config }).load(names), ...head }; // read while the program is compiled; the process ends soon after
}

function made(config: EncoderConfig, name: string, generator: Random): NamedTensor {
  const shape = weightShape(config, name);
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, data: name.endsWith('.scale') ? new Float32Array(size).fill(1) : shape.length === 1 ? new Float32Array(size) : spread(size, generator) };
}

function spread(size: number, generator: Random): Float32Array {
  return Float32Array.from({ length: size }, () => SPREAD * (2 * generator.next() - 1));
}

function whole(size: number, below: number, generator: Random): Int32Array {
  return Int32Array.from({ length: size }, () => generator.int(below));
}
