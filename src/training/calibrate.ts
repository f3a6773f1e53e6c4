/**
 * The temperature that a chosen step's probabilities need to mean what they say (Guo et al. 2017, "On calibration of modern neural networks"),
 * fitted by likelihood on words of dev sets. It is for the scores that the tagger shows: training, teachers' outputs, dev and test figures and
 * estimates keep reading the distributions as the model gives them, and no tag changes by it.
 */
import type { Corpus } from '../corpora/corpus.ts';
import { random } from '../corpora/random.ts';
import type { Recognizer } from '../inference/recognizer.ts';
import { applyTemperature, fitTemperature, type ObservedWords } from '../scoring/calibration.ts';
import { calibrationError } from '../scoring/calibration-error.ts';
import { argmaxTags } from '../scoring/viterbi.ts';
import type { Protocol } from './dev.ts';
import type { Selection } from './request.ts';

export interface Calibration {
  /** T > 0: scores are of p^(1/T), normalized. */
  readonly temperature: number;
  /** Expected calibration error on the same words, 0 to 1, as the model gives its distributions and with the temperature. */
  readonly errorBefore: number;
  readonly errorAfter: number;
  readonly words: number;
}

/** One number needs no more: tens of thousands of words, tagged in some ten seconds on two cores. */
const SENTENCES = 2_000;
/** Of the draw: fixed, so that the temperature follows from weights and dev sets alone. */
const SEED = 20_171;

/**
 * Dev sets of source languages, for a step that `last` chose as well; those of target languages for what target-dev alone chose, and for a run of
 * that protocol which has no others.
 * @param own the run's selection
 */
export function calibratingDev(dev: readonly Corpus[], { protocols, selections, own }: { protocols: readonly Protocol[]; selections: readonly Selection[]; own: Selection }): Corpus[] {
  const by = (wanted: Selection): Protocol | undefined => protocols.find(({ selection }) => selection === wanted);
  const isOfTargetsAlone = selections.every((selection) => selection === 'target-dev');
  const target = own === 'target-dev' && selections.includes(own) ? by(own) : undefined;
  const read = isOfTargetsAlone ? by('target-dev') : (by('source-dev') ?? target);
  return dev.filter(({ datasetId }) => read?.datasetIds.has(datasetId) === true);
}

/** With the recognizer's weights of the moment. @returns null where no dev word has a tag that the model knows @throws the signal's reason */
export async function calibrate(recognizer: Recognizer, dev: readonly Corpus[], signal: AbortSignal): Promise<Calibration | null> {
  const sentences = random(SEED).shuffle(dev.flatMap((corpus) => corpus.sentences)).slice(0, SENTENCES);
  const recognized = await recognizer.recognize(sentences.map(({ tokens }) => tokens), { signal });
  const observed = sentences.map(({ tags = [] }, index): ObservedWords => ({ probs: recognized[index]?.probs ?? new Float32Array(0), gold: tags }));
  const { labels } = recognizer;
  const { words, wrong } = counted(observed, recognizer);
  if (words === 0) return null;
  const errorBefore = calibrationError(observed, labels.tags);
  // where every word is right the likelihood has no maximum: it grows with every sharper distribution
  if (wrong === 0) return { temperature: 1, errorBefore, errorAfter: errorBefore, words };
  const temperature = fitTemperature(observed, labels.tags);
  const calibrated = observed.map(({ probs, gold }) => ({ probs: applyTemperature(probs, labels.tags.length, temperature), gold }));
  return { temperature, errorBefore, errorAfter: calibrationError(calibrated, labels.tags), words };
}

function counted(observed: readonly ObservedWords[], { labels }: Recognizer): { words: number; wrong: number } {
  let [words, wrong] = [0, 0];
  for (const { probs, gold } of observed) {
    const best = argmaxTags(probs, labels);
    gold.forEach((tag, word) => {
      const wanted = labels.tags.indexOf(tag);
      if (wanted < 0) return;
      words++;
      if (best[word] !== wanted) wrong++;
    });
  }
  return { words, wrong };
}
