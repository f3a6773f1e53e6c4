/** Scores a trained model on every test set, once for each step that a selection chose. */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Selection, TrainedModel } from '../training/request.ts';
import type { TrainingOptions } from '../schemas/options.ts';
import type { Place, TestSets } from './material.ts';
import { ALL_LABELS, PAIR_LABEL, scoreEvaluator, scoreRecognizer, testPairs, type ScoredCorpus } from './score.ts';

export interface ScoredTest {
  readonly place: Place;
  readonly step: number;
  /** All that chose the step. */
  readonly selections: readonly Selection[];
  /** Whether the run's own selection is among them. */
  readonly isOwn: boolean;
  readonly scored: ScoredCorpus;
}

export interface ScoreOptions extends Pick<TrainingOptions, 'decoding' | 'pairBalance'> {
  readonly tests: TestSets;
  readonly sourceLanguages: ReadonlySet<string>;
  readonly signal: AbortSignal;
  /** Hears what comes next. */
  readonly say: (message: string) => Promise<void>;
}

/** The run's own choice comes last, so that the model has those weights afterwards. Pairs are scored by that choice alone. */
export async function* scoreTests(model: TrainedModel, { tests, sourceLanguages, decoding, pairBalance, signal, say }: ScoreOptions): AsyncGenerator<ScoredTest> {
  const { recognizer, evaluator } = model;
  for (const { step, selections, isOwn } of stepsOf(model)) {
    if (!isOwn && (recognizer === null || tests.corpora.length === 0)) continue;
    model.use(selections[0] ?? model.selection);
    const of = (place: Place, scored: ScoredCorpus): ScoredTest => ({ place, step, selections, isOwn, scored });
    for (const corpus of tests.corpora) {
      signal.throwIfAborted();
      await breathe();
      await say(`scoring ${corpus.language} ${corpus.split} by ${selections.join(' and ')}`);
      if (recognizer !== null) yield of(corpus, await scoreRecognizer(recognizer, corpus, { decoding, signal }));
      if (evaluator === null || !isOwn || !sourceLanguages.has(corpus.language)) continue;
      const labels = recognizer === null ? [ALL_LABELS, PAIR_LABEL] : [PAIR_LABEL];
      yield of(corpus, await scoreEvaluator(evaluator, corpus, { pairs: testPairs(corpus, pairBalance), labels, signal }));
    }
    if (evaluator === null || !isOwn) continue;
    for (const { place, pairs } of tests.pairs) yield of(place, await scoreEvaluator(evaluator, place, { pairs, labels: [ALL_LABELS, PAIR_LABEL], signal }));
  }
}

function stepsOf({ choices, selection: own }: TrainedModel): Pick<ScoredTest, 'step' | 'selections' | 'isOwn'>[] {
  return [...new Set(choices.map(({ step }) => step))]
    .map((step) => {
      const selections = choices.filter((choice) => choice.step === step).map(({ selection }) => selection);
      return { step, selections, isOwn: selections.includes(own) };
    })
    .sort((a, b) => Number(a.isOwn) - Number(b.isOwn));
}
