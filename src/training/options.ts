/** Resolves what a request says to every option, and refuses what contradicts itself. */
import { fail } from '../errors.ts';
import { TrainingOptions, type RequestedOptions } from '../schemas/options.ts';
import type { RunKind } from './request.ts';

/** What differs from the schema's defaults by kind of run. */
const DEFAULTS_BY_KIND: Record<RunKind, RequestedOptions> = {
  recognizer: {},
  evaluator: {},
  teacher: {},
  student: {},
};
const STUDENT_ONLY = ['recognitionLoss', 'similarityWeight', 'alpha', 'beta', 'gamma', 'start'] as const;
const PAIRS_ONLY = ['pairBalance', 'similarityTemperature'] as const;

/**
 * @param requested already validated against `RequestedOptions`
 * @throws OPTION_UNKNOWN_FOR_KIND for an option that this kind of run never reads; OPTIONS_CONTRADICT
 */
export function resolveOptions(kind: RunKind, requested: RequestedOptions): TrainingOptions {
  if (kind !== 'student') refuse(kind, requested, STUDENT_ONLY);
  if (kind === 'recognizer') refuse(kind, requested, PAIRS_ONLY);
  const options: TrainingOptions = { ...schemaDefaults(), ...DEFAULTS_BY_KIND[kind], ...requested };
  if (options.frozenLayers > 0 && !options.freezeEmbeddings)
    throw fail('OPTIONS_CONTRADICT', { detail: `frozenLayers ${options.frozenLayers} freezes what lies above the embeddings, and freezeEmbeddings is false` });
  if (options.batchPieces < options.maxPieces)
    throw fail('OPTIONS_CONTRADICT', { detail: `batchPieces ${options.batchPieces} is less than maxPieces ${options.maxPieces}, so that a long sentence fits no batch` });
  if (options.patience !== null && options.selection === 'last')
    throw fail('OPTIONS_CONTRADICT', { detail: `patience ${options.patience} needs dev scores, and selection "last" reads none` });
  return options;
}

/** Those of the options that a kind of run reads: a pipeline has one set for all of its runs. */
export function applicableOptions(kind: RunKind, requested: RequestedOptions): RequestedOptions {
  const foreign: readonly string[] = [...(kind === 'student' ? [] : STUDENT_ONLY), ...(kind === 'recognizer' ? PAIRS_ONLY : [])];
  return Object.fromEntries(Object.entries(requested).filter(([name]) => !foreign.includes(name)));
}

function refuse(kind: RunKind, requested: RequestedOptions, names: readonly (keyof TrainingOptions)[]): void {
  const found = names.find((name) => requested[name] !== undefined);
  if (found !== undefined) throw fail('OPTION_UNKNOWN_FOR_KIND', { option: found, kind });
}

function schemaDefaults(): TrainingOptions {
  const entries = Object.entries(TrainingOptions.properties).map(([name, schema]) => [name, (schema as { default?: unknown }).default]);
  return Object.fromEntries(entries) as TrainingOptions;
}
