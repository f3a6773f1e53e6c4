/** From where a run goes on that was cut off: what there is to know of it, and whether a run may go on from there. */
import { createHash } from 'node:crypto';
import { fail } from '../errors.ts';
import type { EncoderConfig } from '../models/config.ts';
import type { TrainingOptions } from '../schemas/options.ts';
import type { NamedTensors } from '../tensor/safetensors.ts';
import type { RunKind, Selection, TrainedFacts, TrainingRequest } from './request.ts';

/** Weights that a protocol has chosen so far. */
export interface KeptStep {
  readonly step: number;
  /** As they are saved. */
  readonly weights: NamedTensors;
  /** Its dev figure by each protocol that chose it; never empty. */
  readonly values: Readonly<Partial<Record<Selection, number>>>;
}

/** Whatever decides the numbers of a run, as plain JSON. The plan of steps and all that is random follow from it and a step's number. */
export interface RunIdentity {
  readonly kind: RunKind;
  readonly seed: number;
  readonly steps: number;
  readonly encoder: string;
  readonly tokenizer: string;
  readonly config: EncoderConfig;
  readonly options: TrainingOptions;
  readonly labels: readonly string[];
  readonly tags: readonly string[];
  /** Digests of the teachers' weights, `recognizer` and `evaluator` in their order. */
  readonly recognizers: readonly string[];
  readonly evaluators: readonly string[];
  /** Digests of content. */
  readonly train: readonly string[];
  readonly dev: readonly string[];
  readonly unlabeled: readonly string[];
  readonly pairs: readonly string[];
}

export interface ResumeState {
  readonly identity: RunIdentity;
  /** The last that is done, counted from 1. */
  readonly step: number;
  /** Whether its dev score, if one was due, is done, too. */
  readonly isJudged: boolean;
  /** Real pieces trained on. */
  readonly pieces: number;
  /** Of training, without dev scores. */
  readonly seconds: number;
  /** Dev scores since the best by the run's own selection. */
  readonly sinceBest: number;
  /** Steps whose weights are in the mean of weights so far. */
  readonly averaged: number;
  /** Trained weights and AdamW's averages, by the names of the program, and the mean of weights so far (`average.ts`). */
  readonly tensors: NamedTensors;
  /** In order of step. */
  readonly bests: readonly KeptStep[];
}

export function identityOf({ kind, seed, encoder, options, train, dev, unlabeled, pairs, teachers }: TrainingRequest, { steps, facts }: { steps: number; facts: TrainedFacts }): RunIdentity {
  const digests = (corpora: readonly { digest: string }[]): string[] => corpora.map(({ digest }) => digest);
  const weights = (checkpoints: TrainingRequest['teachers']['recognizers']): string[] => checkpoints.map(({ manifest }) => manifest.weightsDigest);
  return {
    kind,
    seed,
    steps,
    encoder: encoder.digest,
    tokenizer: facts.tokenizerDigest,
    config: facts.config,
    options,
    labels: facts.labels,
    tags: facts.tags,
    recognizers: weights(teachers.recognizers),
    evaluators: weights(teachers.evaluators),
    train: digests(train),
    dev: digests(dev),
    unlabeled: digests(unlabeled),
    pairs: [pairs.train, pairs.dev].map((list) => (list.length === 0 ? 'none' : `sha256:${createHash('sha256').update(JSON.stringify(list)).digest('hex')}`)),
  };
}

const WHAT: Readonly<Record<keyof RunIdentity, string>> = {
  kind: 'kind',
  seed: 'seed',
  steps: 'number of steps',
  encoder: 'digest of the encoder',
  tokenizer: 'digest of the tokenizer',
  config: 'encoder’s',
  options: 'option',
  labels: 'labels',
  tags: 'tags',
  recognizers: 'digests of recognizers',
  evaluators: 'digests of evaluators',
  train: 'digests of training sets',
  dev: 'digests of dev sets',
  unlabeled: 'digests of raw text',
  pairs: 'digests of pairs for training and dev',
};

/** @throws RESUME_MISMATCH with the first thing that differs, and both values */
export function assertSameRun({ identity, step }: ResumeState, here: RunIdentity): void {
  for (const key of Object.keys(here) as (keyof RunIdentity)[]) {
    for (const [what, expected, found] of pairsOf(key, identity[key], here[key])) {
      if (found !== expected) throw fail('RESUME_MISMATCH', { step, what, expected: expected ?? 'absent', found: found ?? 'absent' });
    }
  }
}

/** An option that came after the point was written is not in it: the migration that gave it to the run's row says what the run did before. */
function pairsOf(key: keyof RunIdentity, expected: unknown, found: unknown): [what: string, expected: string | undefined, found: string | undefined][] {
  if (key !== 'options' && key !== 'config') return [[WHAT[key], JSON.stringify(expected), JSON.stringify(found)]];
  const own = found as Record<string, unknown>;
  return Object.entries((expected ?? {}) as Record<string, unknown>).map(([name, value]) => [`${WHAT[key]} ${name}`, JSON.stringify(value), JSON.stringify(own[name])]);
}
