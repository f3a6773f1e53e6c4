/** Resolves what a request says to every option, and refuses what contradicts itself. */
import { fail } from '../errors.ts';
import { TrainingOptions, type RequestedOptions } from '../schemas/options.ts';
import { presetOptions } from './presets.ts';
import type { RunKind } from './request.ts';

type OptionName = keyof TrainingOptions;

const STUDENT_ONLY = ['objective', 'heads', 'distil', 'recognitionLoss', 'similarityWeight', 'alpha', 'beta', 'gamma', 'formShare', 'neighbourShare', 'start'] as const;
const PAIRS_ONLY = ['pairDraw', 'pairBalance', 'pairsPerWord', 'similarityTemperature'] as const;
const TAGS_ONLY = ['headLearningRate', 'decoding'] as const;

/** Options that a kind of run never reads. */
const FOREIGN: Readonly<Record<RunKind, readonly OptionName[]>> = {
  recognizer: [...STUDENT_ONLY, ...PAIRS_ONLY],
  evaluator: [...STUDENT_ONLY, ...TAGS_ONLY],
  teacher: STUDENT_ONLY,
  student: [],
};

/**
 * @param requested already validated against `RequestedOptions`
 * @throws OPTION_UNKNOWN_FOR_KIND for an option that this kind of run never reads; OPTIONS_CONTRADICT naming both values
 */
export function resolveOptions(kind: RunKind, requested: RequestedOptions): TrainingOptions {
  const foreign = FOREIGN[kind].find((name) => requested[name] !== undefined);
  if (foreign !== undefined) throw fail('OPTION_UNKNOWN_FOR_KIND', { option: foreign, kind });
  const preset = requested.preset ?? 'mtmt';
  const options: TrainingOptions = { ...schemaDefaults(), ...presetOptions(preset, kind), ...requested, preset };
  const detail = contradictionIn(options, { kind, requested });
  if (detail !== null) throw fail('OPTIONS_CONTRADICT', { detail });
  return options;
}

/** Those of the options that a kind of run reads: a pipeline has one set for all of its runs. */
export function applicableOptions(kind: RunKind, requested: RequestedOptions): RequestedOptions {
  const foreign: readonly string[] = FOREIGN[kind];
  return Object.fromEntries(Object.entries(requested).filter(([name]) => !foreign.includes(name)));
}

/** The first contradiction, in words. What a preset or a default says and another option makes idle is none: only what was asked for is held to be meant. */
function contradictionIn(options: TrainingOptions, { kind, requested }: { kind: RunKind; requested: RequestedOptions }): string | null {
  const { preset, frozenLayers, freezeEmbeddings, batchPieces, maxPieces, patience, selection, heads, objective, beta, similarityWeight, pairDraw } = options;
  if (frozenLayers > 0 && !freezeEmbeddings) return `frozenLayers ${frozenLayers} freezes what lies above the embeddings, and freezeEmbeddings is false (preset "${preset}")`;
  if (batchPieces < maxPieces) return `batchPieces ${batchPieces} is less than maxPieces ${maxPieces}, so that a long sentence fits no batch`;
  if (patience !== null && selection === 'last') return `patience ${patience} needs dev scores, and selection "last" reads none`;
  if (heads === 'two' && objective !== 'article') return `heads "two" needs objective "article", and objective is "${objective}" (preset "${preset}"): one head learns from both sides of a pair`;
  if (similarityWeight === 0 && requested.beta !== undefined && beta !== 'none') return `beta "${beta}" weighs the similarity loss, and similarityWeight 0 leaves that out`;
  // an evaluator's and a teacher's dev and test pairs are balanced whatever they are trained on
  if (kind === 'student' && pairDraw === 'uniform' && requested.pairBalance !== undefined)
    return `pairBalance ${requested.pairBalance} is a share of balanced pairs, and pairDraw is "uniform" (preset "${preset}")`;
  return null;
}

function schemaDefaults(): TrainingOptions {
  const entries = Object.entries(TrainingOptions.properties).map(([name, schema]) => [name, (schema as { default?: unknown }).default]);
  return Object.fromEntries(entries) as TrainingOptions;
}
