/** What the study compares: the recognizer as it is, students that gain one ingredient of the method at a time, and on request others. */
import type { RequestedOptions } from '../schemas/options.ts';

export interface System {
  readonly systemId: string;
  /** In tables. */
  readonly title: string;
  /** What makes it differ from the study's other students; null for direct transfer, which trains no student. */
  readonly options: RequestedOptions | null;
  /**
   * Who teaches, where it is not the recognizer and the evaluator of the student's seed: one run of that seed that is both (kind `teacher`, with
   * the same preset), the recognizers and evaluators of every seed of the study, their outputs averaged, or the seed's evaluator and in the place of
   * its recognizer its student of the system `FIRST_ROUND`.
   */
  readonly teachers?: 'shared' | 'everySeed' | 'firstRound';
}

export const TRANSFER = 'transfer';
/** Its student teaches the second round. */
export const FIRST_ROUND = 'agreement';
const ON_REQUEST: readonly string[] = ['article', 'rounds', 'ensemble'];
/** The paper's lambda. */
const SIMILARITY_WEIGHT = 0.5;
/** Chosen on dev sets of es: of the shares tried, what moved a recognizer's own tags furthest towards the gold ones. */
const AGREEMENT = { formShare: 0.3, neighbourShare: 0.4 } as const;

/**
 * Direct transfer first, whatever is asked for: the others are measured against it.
 * @param requested of the students
 * @param names ids of systems; null: the ablations and the default options
 */
export function systemsOf(requested: RequestedOptions, names: readonly string[] | null): System[] {
  const isWanted = (systemId: string): boolean => (names === null ? !ON_REQUEST.includes(systemId) : names.includes(systemId) || (systemId === FIRST_ROUND && names.includes('rounds')));
  return knownSystems(requested).filter(({ systemId }) => systemId === TRANSFER || isWanted(systemId));
}

/**
 * Each ablation names every weight, so that it stays what it is when a default changes; `default` is what somebody gets who names none.
 * @param requested a similarity weight or beta asked for there is the one that is added
 */
function knownSystems(requested: RequestedOptions): System[] {
  const similarityWeight = requested.similarityWeight === undefined || requested.similarityWeight === 0 ? SIMILARITY_WEIGHT : requested.similarityWeight;
  const beta = requested.beta === undefined || requested.beta === 'none' ? 'shifted' : requested.beta;
  const none = { similarityWeight: 0, alpha: false, beta: 'none', gamma: false, formShare: 0, neighbourShare: 0 } as const;
  const whole = { similarityWeight, alpha: true, beta, gamma: true };
  return [
    { systemId: TRANSFER, title: 'direct transfer', options: null },
    { systemId: 'article', title: 'the article’s variant', options: { preset: 'article' }, teachers: 'shared' },
    { systemId: 'recognition', title: 'recognition loss only (TSL)', options: none },
    { systemId: 'similarity', title: '+ similarity', options: { ...none, similarityWeight } },
    { systemId: 'alpha', title: '+ alpha', options: { ...none, similarityWeight, alpha: true } },
    { systemId: 'beta', title: '+ beta', options: { ...none, similarityWeight, alpha: true, beta } },
    { systemId: 'gamma', title: '+ gamma (MTMT)', options: { ...none, ...whole } },
    { systemId: FIRST_ROUND, title: '+ agreement of words that are alike', options: { ...none, ...whole, ...AGREEMENT } },
    { systemId: 'default', title: 'default options', options: {} },
    { systemId: 'rounds', title: 'second round, from that student', options: { ...none, ...whole, ...AGREEMENT }, teachers: 'firstRound' },
    { systemId: 'ensemble', title: 'mean of all seeds’ teachers', options: {}, teachers: 'everySeed' },
  ];
}

/** In the order of tables. */
export const SYSTEM_IDS: readonly string[] = knownSystems({}).map(({ systemId }) => systemId);
