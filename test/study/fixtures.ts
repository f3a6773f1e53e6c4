/** Runs of a study as it finds them: ten sentences of one entity each, the first so many of them right. */
import type { Estimate } from '../../src/schemas/estimate.ts';
import type { Score, ScoreVariant } from '../../src/schemas/result.ts';
import { prf } from '../../src/scoring/ner.ts';
import type { FinishedRun } from '../../src/study/summary.ts';
import type { System } from '../../src/study/systems.ts';
import { scoreOf as scoredTest } from '../cli/client/fixtures.ts';

const SENTENCES = 10;
export const SYSTEMS: System[] = [
  { systemId: 'transfer', title: 'direct transfer', options: null },
  { systemId: 'gamma', title: '+ gamma (MTMT)', options: {} },
];

export function scoreOf(language: string, right: number, others: readonly Partial<ScoreVariant>[] = []): Score {
  const counts = { tp: right, fp: SENTENCES - right, fn: SENTENCES - right };
  const own: ScoreVariant = {
    selection: 'source-dev',
    decoding: 'viterbi',
    checkpointId: 'ckpt_1',
    ...prf(counts),
    ...counts,
    sentenceCounts: Array.from({ length: SENTENCES }, (_, sentence) => (sentence < right ? [1, 0, 0] : [0, 1, 1])).flat(),
    alphaBins: [],
  };
  return {
    ...scoredTest(language, counts),
    checkpointId: own.checkpointId,
    variants: [own, ...others.map((other) => ({ ...own, ...other }))],
  };
}

/** Its interval is a tenth to both sides. */
export function estimateOf(language: string, f1: number, truth: number | null): Estimate {
  return {
    language,
    f1,
    precision: f1,
    recall: f1,
    ci95: [f1 - 0.1, f1 + 0.1],
    confidence: f1,
    agreement: null,
    sentences: SENTENCES,
    words: 100,
    checkpointId: 'ckpt_1',
    truth: truth === null ? null : { f1: truth, split: 'test', error: f1 - truth },
  };
}

export function runOf(systemId: string, seed: number, scores: readonly Score[], seconds = 60, estimates: readonly Estimate[] = []): FinishedRun {
  return { runId: `run_${systemId}_${seed}`, name: `seed ${seed} ${systemId}`, kind: systemId === 'transfer' ? 'recognizer' : 'student', systemId, seed, device: 'cpu', seconds, scores, estimates };
}
