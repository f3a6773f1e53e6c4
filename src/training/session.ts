/** One compiled model in training: its weights, a step, and predictions with the weights of the moment. */
import { layOut, rowShape, type RowShape, type WindowOptions } from '../encoders/pack.ts';
import type { PieceTokenizer } from '../encoders/tokenizer.ts';
import type { EncoderWeights, WordTable } from '../encoders/weights.ts';
import { tableOf, WORD_EMBEDDINGS } from '../encoders/weights.ts';
import { random } from '../corpora/random.ts';
import { batchInputs, functionName, predictor, type Predictor } from '../inference/predictor.ts';
import { dropoutSites } from '../layers/dropout.ts';
import type { EncoderConfig } from '../models/config.ts';
import { encoderWeightNames, layerWeightNames } from '../models/names.ts';
import { encodeInputs, encoderInputs, predictFunction } from '../models/outputs.ts';
import type { TrainingOptions } from '../schemas/options.ts';
import { averageNames } from '../tensor/adamw.ts';
import { compile } from '../tensor/compile.ts';
import type { TrainingSpec } from '../tensor/program-spec.ts';
import type { Program } from '../tensor/program.ts';
import type { NamedTensors } from '../tensor/safetensors.ts';
import { headNames, isHead, newHeads, withBothHeads, withOneHead } from './heads.ts';
import type { PlannedStep } from './plan.ts';
import type { RunKind } from './request.ts';
import { input, type Task } from './task.ts';

export interface SessionSpec {
  readonly kind: RunKind;
  readonly weights: EncoderWeights;
  readonly tokenizer: PieceTokenizer;
  readonly task: Task;
  readonly options: TrainingOptions;
  readonly window: WindowOptions;
  readonly seed: number;
  /** 0: no tag head. */
  readonly numTags: number;
  /** Whether predictions need word vectors (evaluators). */
  readonly hasVectors: boolean;
  /** Weights to start from instead of the pretrained ones. */
  readonly start: NamedTensors;
  /** Of each batch, see `TrainingRequest`. */
  readonly parts: number;
  /** Folder where compiled graphs are kept between runs. */
  readonly cacheDir: string;
}

export interface Session {
  /** Of a batch as the options ask for it. */
  readonly shape: RowShape;
  /** Of a batch as it is computed. */
  readonly partShape: RowShape;
  readonly predictor: Predictor;
  /** @param step counted from 1 */
  train(planned: PlannedStep, step: number, rateFactor: number): { loss: number; gradNorm: number; pieces: number };
  /** Copies of the trained weights, as they are saved: with one head. */
  trained(): NamedTensors;
  /** Weights of the start that are not trained further: those of another checkpoint, so that they are saved as well. */
  readonly inherited: NamedTensors;
  restore(weights: NamedTensors): void;
  /** Copies of the trained weights and of AdamW's averages: with a step's number, all that the next one depends on. */
  state(): NamedTensors;
  goOnFrom(state: NamedTensors): void;
  dispose(): void;
}

export function openSession(spec: SessionSpec): Session {
  const { config } = spec.weights;
  const { options, task } = spec;
  const longest = Math.max(...task.units.flat().map(({ pieces }) => pieces.length));
  const widest = task.units.reduce((most, unit) => Math.max(most, unit.length), 1);
  const inParts = ({ rows, length }: RowShape): RowShape => ({ rows: Math.max(Math.ceil(rows / spec.parts), Math.min(rows, widest)), length });
  const shape = rowShape(longest, options.batchPieces);
  const partShape = inParts(shape);
  // dev sentences may be longer than any for training
  const shapes = shape.length >= spec.window.maxPieces ? [partShape] : [partShape, inParts(rowShape(spec.window.maxPieces, options.batchPieces))];
  const trained = trainedNames(config, options, spec.numTags > 0);
  const hasWordVariable = trained.has(WORD_EMBEDDINGS);
  const step: TrainingSpec = {
    inputs: { ...encoderInputs(config, partShape, hasWordVariable), ...task.inputs(partShape), seed: { shape: [], dtype: 'int32' } },
    run: (weights, inputs) => {
      const drop = dropoutSites(options.dropout, input(inputs, 'seed'));
      return { loss: task.loss(weights, encodeInputs(config, weights, inputs, drop), inputs, drop) };
    },
    optimizer: {
      clipNorm: options.clipNorm ?? Infinity,
      weightDecay: options.weightDecay,
      hasDecay: (name) => !name.endsWith('.bias') && !name.endsWith('.scale') && !name.endsWith('.shift'),
      isHead,
      rateFactor: (name) => options.layerDecay ** layersAbove(config, name),
    },
    accumulates: options.accumulation > 1 || partShape.rows < shape.rows,
  };
  const predictions = shapes.map((each) => [functionName(each), predictFunction(config, each, { hasHead: spec.numTags > 0, hasVectors: spec.hasVectors, hasWordVariable })] as const);
  const program = compile({
    variables: initialWeights(spec, hasWordVariable),
    trained,
    functions: { step, ...Object.fromEntries(predictions) },
    precision: options.precision,
    cache: { directory: spec.cacheDir, identity: { kind: spec.kind, config, options, shapes, hasVectors: spec.hasVectors } },
  });
  const words = hasWordVariable ? null : wordsOf(spec);
  // sums of gradients are zero between steps
  const state = [...trained].flatMap((name) => [name, ...averageNames(name)]);
  return {
    shape,
    partShape,
    predictor: predictor({ program, shapes, config, tokenizer: spec.tokenizer, words, window: spec.window }),
    train: (planned, step, factor) => trainStep({ program, spec, shape: partShape, words, planned, step, factor }),
    inherited: Object.fromEntries(Object.entries(spec.start).filter(([name]) => !trained.has(name))),
    trained: () => withOneHead(program.read([...trained])),
    restore: (weights) => program.assign(options.heads === 'two' ? withBothHeads(weights) : weights),
    state: () => program.read(state),
    goOnFrom: (values) => program.assign(values),
    dispose: () => program.dispose(),
  };
}

function trainStep({ program, spec, shape, words, planned, step, factor }: {
  program: Program;
  spec: SessionSpec;
  shape: RowShape;
  words: WordTable | null;
  planned: PlannedStep;
  step: number;
  factor: number;
}): { loss: number; gradNorm: number; pieces: number } {
  const batches = planned.batches.map((rows) => layOut(rows, shape, spec.weights.config));
  const inputs = batches.map((batch, index) => ({
    ...batchInputs(batch, words),
    // everything random in a step depends on the seed, its number and the batch's alone, so that a resumed run repeats it
    ...spec.task.values(batch, random(spec.seed * 1_000_003 + step + index * 2 ** 33)),
    seed: Int32Array.of(spec.seed * 65_537 + step + index * 0x1000193),
  }));
  const learningRate = spec.options.learningRate * factor;
  const headLearningRate = (spec.options.headLearningRate ?? spec.options.learningRate) * factor;
  const losses = inputs.slice(0, -1).map((values) => program.accumulate('step', values));
  const results = program.call('step', inputs.at(-1) ?? {}, { step, learningRate, headLearningRate, batches: batches.length });
  const loss = [...losses, results['loss']?.[0] ?? NaN].reduce((a, b) => a + b, 0) / batches.length;
  return { loss, gradNorm: results['gradNorm']?.[0] ?? NaN, pieces: batches.reduce((sum, { filled }) => sum + filled, 0) };
}

/** 0 for the top layer and the head; embeddings lie below the lowest layer. */
function layersAbove({ layers }: EncoderConfig, name: string): number {
  const layer = /^layers\.(\d+)\./.exec(name)?.[1];
  if (layer !== undefined) return layers - 1 - Number(layer);
  return name.startsWith('embeddings.') ? layers : 0;
}

function trainedNames(config: EncoderConfig, options: TrainingOptions, hasHead: boolean): Set<string> {
  const layers = Array.from({ length: Math.max(0, config.layers - options.frozenLayers) }, (_, index) => layerWeightNames(options.frozenLayers + index)).flat();
  const embeddings = options.freezeEmbeddings ? [] : encoderWeightNames(config).filter((name) => name.startsWith('embeddings.'));
  return new Set([...embeddings, ...layers, ...(hasHead ? headNames(options.heads) : [])]);
}

function initialWeights({ weights, numTags, seed, start, options: { heads } }: SessionSpec, hasWordVariable: boolean): NamedTensors {
  const { [WORD_EMBEDDINGS]: startWords, ...startBody } = start;
  const own = { ...weights.loadBody(), ...(hasWordVariable && { ...weights.load([WORD_EMBEDDINGS]), ...(startWords && { [WORD_EMBEDDINGS]: startWords }) }) };
  const { hiddenSize } = weights.config;
  return { ...own, ...(numTags > 0 && newHeads({ heads, numTags, hiddenSize, seed })), ...(heads === 'two' ? withBothHeads(startBody) : startBody) };
}

function wordsOf({ start, weights }: SessionSpec): WordTable {
  const trainedBefore = start[WORD_EMBEDDINGS];
  return trainedBefore === undefined ? weights.wordTable() : tableOf(trainedBefore);
}
