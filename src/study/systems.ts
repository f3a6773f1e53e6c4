/** What the study compares: the recognizer as it is, and students that gain one ingredient of the method at a time. */
import type { RequestedOptions } from '../schemas/options.ts';

export interface System {
  readonly systemId: string;
  /** In tables. */
  readonly title: string;
  /** What makes it differ from the study's other students; null for direct transfer, which trains no student. */
  readonly options: RequestedOptions | null;
}

export const TRANSFER = 'transfer';
/** The paper's lambda. */
const SIMILARITY_WEIGHT = 0.5;

/**
 * Each ablation names every weight, so that it stays what it is when a default changes; the last system is what somebody gets who names none.
 * @param requested of the students: a similarity weight or beta asked for there is the one that is added
 */
export function systemsOf(requested: RequestedOptions): System[] {
  const similarityWeight = requested.similarityWeight === undefined || requested.similarityWeight === 0 ? SIMILARITY_WEIGHT : requested.similarityWeight;
  const beta = requested.beta === undefined || requested.beta === 'none' ? 'shifted' : requested.beta;
  const none = { similarityWeight: 0, alpha: false, beta: 'none', gamma: false } as const;
  return [
    { systemId: TRANSFER, title: 'direct transfer', options: null },
    { systemId: 'recognition', title: 'recognition loss only (TSL)', options: none },
    { systemId: 'similarity', title: '+ similarity', options: { ...none, similarityWeight } },
    { systemId: 'alpha', title: '+ alpha', options: { ...none, similarityWeight, alpha: true } },
    { systemId: 'beta', title: '+ beta', options: { ...none, similarityWeight, alpha: true, beta } },
    { systemId: 'gamma', title: '+ gamma (MTMT)', options: { similarityWeight, alpha: true, beta, gamma: true } },
    { systemId: 'default', title: 'default options', options: {} },
  ];
}
