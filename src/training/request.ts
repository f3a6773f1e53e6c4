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
import type { Calibration } from './calibrate.ts';
import type { ResumeState } from './resume.ts';

export type Selection = TrainingOptions['selection'];
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
  /** Where an earlier attempt was cut off; absent: the run begins. */
  readonly from?: ResumeState;
  /** Each batch is computed in so many parts, whose gradients are summed: the same step in less memory. Default 1. */
  readonly parts?: number;
  /** Once it is aborted the loop ends after the step at hand, with a last `point` and the checkpoints of what there is, and throws the reason. */
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
      /** By the run's own selection: the mean over the dev sets that decide. Null where none does. */
      readonly value: number | null;
      readonly isBest: boolean;
      /** By each selection that the dev sets allow, the run's own among them. */
      readonly judgements: readonly { readonly selection: Selection; readonly value: number; readonly isBest: boolean }[];
      readonly rows: readonly { readonly datasetId: string; readonly language: string; readonly split: string; readonly name: string; readonly value: number }[];
    }
  /** Comes before the first step of a run that goes on from another attempt's. */
  | { readonly type: 'resumed'; readonly step: number; readonly steps: number }
  /** After every step and its dev score: the run could go on from here. */
  | {
      readonly type: 'point';
      readonly step: number;
      /** Copies weights and AdamW's averages; only before the next report is asked for. */
      readonly take: () => ResumeState;
    }
  /** Come after the last step: one for each step that was chosen, the last step's among them; that of the run's own selection is best, and comes last. */
  | {
      readonly type: 'checkpoint';
      readonly step: number;
      readonly isBest: boolean;
      readonly isLast: boolean;
      /** Those that chose the step. */
      readonly selections: readonly Selection[];
      /** Its dev figures, by name and selection: `f1 by source-dev`. */
      readonly scores: Readonly<Record<string, number>>;
      /** Null for an evaluator, without dev sets to read, and where the run was cancelled. */
      readonly calibration: Calibration | null;
      readonly tensors: NamedTensors;
      readonly facts: TrainedFacts;
    };

export interface Choice {
  readonly selection: Selection;
  readonly step: number;
}

/** Has the weights that the run's own selection chose, and those of every other choice at hand. */
export interface TrainedModel {
  readonly recognizer: Recognizer | null;
  readonly evaluator: Evaluator | null;
  /** The run's own: the option, or `last` where no dev set allows it. */
  readonly selection: Selection;
  /** All that its dev sets allow, and `last`. */
  readonly choices: readonly Choice[];
  /** From now on predictions are with the weights of that choice. @throws TypeError for one that is not among `choices` */
  use(selection: Selection): void;
  dispose(): void;
}
