/** What a training run is given, and what it tells while it goes on. */
import type { LoadedCheckpoint } from '../checkpoints/load.ts';
import type { Corpus } from '../corpora/corpus.ts';
import type { WordPair } from '../corpora/pairs.ts';
import type { InstalledEncoder } from '../encoders/registry.ts';
import type { EncoderConfig } from '../models/config.ts';
import type { Evaluator } from '../inference/evaluator.ts';
import type { Recognizer } from '../inference/recognizer.ts';
import type { TrainingOptions } from '../schemas/options.ts';
import type { NamedTensors } from '../tensor/safetensors.ts';

export type RunKind = 'recognizer' | 'evaluator' | 'teacher' | 'student';

export interface TrainingRequest {
  readonly kind: RunKind;
  readonly encoder: InstalledEncoder;
  readonly options: TrainingOptions;
  readonly seed: number;
  /** Labeled; empty for a student. */
  readonly train: readonly Corpus[];
  readonly dev: readonly Corpus[];
  /** A student's target text; tags, if any, are never read. */
  readonly unlabeled: readonly Corpus[];
  /** Uploaded pairs of an evaluator; where there are none, pairs are drawn inside each batch of `train` and once from `dev`. */
  readonly pairs: { readonly train: readonly WordPair[]; readonly dev: readonly WordPair[] };
  readonly teachers: { readonly recognizers: readonly LoadedCheckpoint[]; readonly evaluators: readonly LoadedCheckpoint[] };
  /** Folder where teachers' outputs are kept between runs. */
  readonly cacheDir: string;
  readonly signal: AbortSignal;
  /** Milliseconds from any origin; for speed and time left only. */
  readonly clock: () => number;
}

/** What a checkpoint's manifest must know and only training knows. */
export interface TrainedFacts {
  readonly config: EncoderConfig;
  /** Empty for an evaluator. */
  readonly labels: readonly string[];
  readonly tags: readonly string[];
  readonly tokenizerDigest: string;
  readonly wordPiece: 'first' | 'firstNotBare';
  readonly maxPieces: number;
}

export type TrainingReport =
  | { readonly type: 'phase'; readonly phase: 'load' | 'compile' | 'teach' | 'train'; readonly message: string; readonly done?: number; readonly of?: number }
  | {
      readonly type: 'step';
      readonly step: number;
      readonly steps: number;
      readonly epoch: number;
      readonly loss: number;
      readonly learningRate: number;
      readonly gradNorm: number;
      /** Real pieces, no padding, since training began. */
      readonly piecesPerSecond: number;
      readonly etaSeconds: number;
    }
  | {
      readonly type: 'dev';
      readonly step: number;
      readonly epoch: number;
      readonly name: 'f1' | 'pairF1';
      /** What selects the checkpoint; the mean over the dev sets that count. */
      readonly value: number;
      readonly isBest: boolean;
      readonly rows: readonly { readonly datasetId: string; readonly language: string; readonly split: string; readonly name: string; readonly value: number }[];
    }
  /** Comes after the last step: the best checkpoint, and the last one where that is another. */
  | { readonly type: 'checkpoint'; readonly step: number; readonly isBest: boolean; readonly isLast: boolean; readonly tensors: NamedTensors; readonly facts: TrainedFacts };

/** Carries the best weights, for scoring test sets afterwards. */
export interface TrainedModel {
  readonly recognizer: Recognizer | null;
  readonly evaluator: Evaluator | null;
  readonly bestStep: number;
  readonly lastStep: number;
  /** How the best step was chosen: the option, or 'last' where no dev set allows it. */
  readonly selection: 'source-dev' | 'target-dev' | 'last';
  dispose(): void;
}
