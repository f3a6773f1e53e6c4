/** What a checkpoint says about itself: without it weights are only numbers. */
import type { InstalledEncoder } from '../encoders/registry.ts';
import { fail } from '../errors.ts';
import { maxSequence, type EncoderConfig } from '../models/config.ts';
import type { TrainingOptions } from '../schemas/options.ts';

export const CHECKPOINT_FORMAT = 'mtmt-checkpoint/1';

export interface Manifest {
  readonly format: typeof CHECKPOINT_FORMAT;
  readonly checkpointId: string;
  readonly runId: string;
  readonly kind: 'recognizer' | 'evaluator' | 'teacher' | 'student';
  readonly step: number;
  /** Frozen weights are not stored again: they are those of this encoder's file. */
  readonly encoder: {
    readonly encoderId: string;
    /** `sha256:…` of its model.safetensors. */
    readonly digest: string;
    /** Name of its family, as `EncoderConfig` has it. */
    readonly architecture: string;
  };
  readonly config: EncoderConfig;
  /** Empty for an evaluator. */
  readonly labels: readonly string[];
  readonly tags: readonly string[];
  readonly tokenizerDigest: string;
  readonly wordPiece: 'first' | 'firstNotBare';
  readonly maxPieces: number;
  /** Names of the weights that the file holds, in our names. */
  readonly tensors: readonly string[];
  readonly seed: number;
  readonly options: TrainingOptions;
  /** What chose its step: source-dev, target-dev, last. Absent from manifests of before there were several. */
  readonly selections?: readonly string[];
  /** Dev figures by name and selection: `f1 by source-dev`. */
  readonly scores: Readonly<Record<string, number>>;
  /**
   * T > 0 of the scores that a tagger shows: those of p^(1/T), normalized. Fitted on dev words (training/calibrate.ts). Absent where there were
   * none, from an evaluator's manifest, and from those of before: then it is 1.
   */
  readonly temperature?: number;
  readonly versions: Readonly<Record<string, string>>;
  /** ISO 8601 */
  readonly createdAt: string;
  /** `sha256:…` of the weights file. */
  readonly weightsDigest: string;
}

const REQUIRED = ['checkpointId', 'runId', 'kind', 'encoder', 'config', 'labels', 'tags', 'tokenizerDigest', 'maxPieces', 'tensors', 'weightsDigest'];

/**
 * @param json the parsed manifest of a row or a file
 * @throws CHECKPOINT_INVALID naming what is missing
 */
export function parseManifest(json: unknown): Manifest {
  const values = typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  const format = values['format'];
  if (format !== CHECKPOINT_FORMAT)
    throw fail('CHECKPOINT_INVALID', { detail: `its format is ${format === undefined ? 'not given' : JSON.stringify(format)}, expected "${CHECKPOINT_FORMAT}"` });
  const missing = REQUIRED.filter((key) => values[key] === undefined);
  if (missing.length > 0) throw fail('CHECKPOINT_INVALID', { detail: `its manifest lacks ${missing.join(', ')}` });
  return values as unknown as Manifest;
}

/** @throws CHECKPOINT_MISMATCH with both values where the encoder is not the one that the checkpoint was trained on */
export function assertMatches(manifest: Manifest, encoder: InstalledEncoder): void {
  const compared: [what: string, expected: unknown, found: unknown][] = [
    ['digest of the encoder', manifest.encoder.digest, encoder.digest],
    ['digest of the tokenizer', manifest.tokenizerDigest, encoder.tokenizerDigest],
    ...Object.entries(manifest.config).map(([key, value]): [string, unknown, unknown] => [
      `${key} of the encoder`,
      value,
      (encoder.config as unknown as Record<string, unknown>)[key],
    ]),
  ];
  for (const [what, expected, found] of compared) {
    if (expected !== found) {
      const values = { checkpointId: manifest.checkpointId, what, expected: String(expected), found: String(found) };
      throw fail('CHECKPOINT_MISMATCH', values);
    }
  }
}

/** A checkpoint of an evaluator has no tag head. */
export function hasHead(manifest: Manifest): boolean {
  return manifest.labels.length > 0;
}

/** Pieces that the model reads at once, special ones included. */
export function longestWindow({ maxPieces, config }: Manifest): number {
  return Math.min(maxPieces, maxSequence(config));
}
