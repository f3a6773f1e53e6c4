/** Makes a recognizer or evaluator of a checkpoint and the encoder that it names. */
import type { LoadedCheckpoint } from '../checkpoints/load.ts';
import type { RowShape } from '../encoders/pack.ts';
import type { InstalledEncoder } from '../encoders/registry.ts';
import { loadTokenizer, type PieceTokenizer } from '../encoders/tokenizer.ts';
import { EncoderWeights, tableOf, WORD_EMBEDDINGS } from '../encoders/weights.ts';
import { maxSequence } from '../models/config.ts';
import { HEAD_WEIGHT } from '../models/names.ts';
import { predictFunction } from '../models/outputs.ts';
import { compile } from '../tensor/compile.ts';
import type { Precision } from '../tensor/emit.ts';
import { labelSet } from '../text/label-set.ts';
import { evaluatorOf, type Evaluator } from './evaluator.ts';
import { functionName, predictor, type Predictor } from './predictor.ts';
import { recognizerOf, type Recognizer } from './recognizer.ts';

export interface LoadOptions {
  readonly encoder: InstalledEncoder;
  readonly checkpoint: LoadedCheckpoint;
  readonly precision?: Precision;
  /** Shapes to compile; more of them waste less on short input, and take longer to load. Default: one for a corpus. */
  readonly shapes?: readonly RowShape[];
  /** Folder where compiled graphs are kept for other processes; absent: they are compiled each time. */
  readonly cacheDir?: string;
  /** The encoder's, where it is loaded already. */
  readonly tokenizer?: PieceTokenizer;
  /** The encoder's, where they are open already; whoever opened them closes them, after the model is disposed of. */
  readonly weights?: EncoderWeights;
}

/** @throws CHECKPOINT_MISMATCH where checkpoint and encoder disagree (checked by `loadCheckpoint`'s caller), ENCODER_INVALID */
export async function loadRecognizer(options: LoadOptions): Promise<Recognizer> {
  const { predictor, dispose } = await loadPredictor(options, { hasHead: true, hasVectors: false });
  return recognizerOf(predictor, labelSet(options.checkpoint.manifest.labels), dispose);
}

export async function loadEvaluator(options: LoadOptions): Promise<Evaluator> {
  const { predictor, dispose } = await loadPredictor(options, { hasHead: false, hasVectors: true });
  const { hiddenSize } = options.encoder.config;
  return evaluatorOf(predictor, { hiddenSize, temperature: options.checkpoint.manifest.options.similarityTemperature, dispose });
}

/** The model's outputs for each word, for what is neither tagging nor comparing: computing teachers' outputs. */
export async function loadPredictor(
  { encoder, checkpoint, precision = 'float32', shapes, cacheDir, tokenizer: given, weights: open }: LoadOptions,
  outputs: { hasHead: boolean; hasVectors: boolean },
): Promise<{ predictor: Predictor; dispose: () => void }> {
  const { config } = encoder;
  const { manifest, tensors } = checkpoint;
  const tokenizer = given ?? (await loadTokenizer(encoder.directory));
  const weights = open ?? new EncoderWeights(encoder);
  const { [WORD_EMBEDDINGS]: trainedWords, ...trained } = tensors;
  const variables = Object.fromEntries(Object.entries({ ...weights.loadBody(), ...trained }).filter(([name]) => outputs.hasHead || !name.startsWith(headPrefix)));
  const maxPieces = Math.min(manifest.maxPieces, maxSequence(config));
  const used = shapes ?? [{ rows: Math.max(1, Math.round(1024 / maxPieces)), length: maxPieces }];
  const functions = used.map((shape) => [functionName(shape), predictFunction(config, shape, { ...outputs, hasWordVariable: false })] as const);
  const cache = cacheDir === undefined ? {} : { cache: { directory: cacheDir, identity: { config, outputs, shapes: used } } };
  const program = compile({ variables, functions: Object.fromEntries(functions), precision, ...cache });
  program.freeze();
  const words = checkpoint.words ?? (trainedWords === undefined ? weights.wordTable() : tableOf(trainedWords));
  const window = { maxPieces, wordPiece: manifest.wordPiece };
  return {
    predictor: predictor({ program, shapes: used, config, tokenizer, words, window }),
    dispose: () => {
      program.dispose();
      if (open === undefined) weights.close();
    },
  };
}

const headPrefix = HEAD_WEIGHT.slice(0, HEAD_WEIGHT.indexOf('.') + 1);
