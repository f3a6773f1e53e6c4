/**
 * One run, from corpora to weights: an async generator that tells what happens and returns the trained model.
 * It knows no row, no file of a checkpoint and no test set; callers save, score, log and stop.
 */
import { fail } from '../errors.ts';
import { evaluatorOf } from '../inference/evaluator.ts';
import { recognizerOf } from '../inference/recognizer.ts';
import { loadTokenizer, type PieceTokenizer } from '../encoders/tokenizer.ts';
import { EncoderWeights } from '../encoders/weights.ts';
import type { WindowOptions } from '../encoders/pack.ts';
import { maxSequence } from '../models/config.ts';
import { labelSet, type LabelSet } from '../text/label-set.ts';
import { openAverage } from './average.ts';
import { choicesOf, openChoices, switchOver, type ChosenStep } from './choices.ts';
import { devPairs, protocolsOf, scoreDevPairs, scoreDevTags, type DevScore } from './dev.ts';
import { distillationTask, readsEvaluators } from './distillation.ts';
import { planSteps, type PlannedStep } from './plan.ts';
import { pairUnits, pickSentences, windowUnits } from './prepare.ts';
import { recognitionTask, tagIndices } from './recognition.ts';
import type { Selection, TrainedFacts, TrainedModel, TrainingReport, TrainingRequest } from './request.ts';
import { rateFactor, type Schedule } from './schedule.ts';
import { openSession, type Session } from './session.ts';
import { drawnPairsTask, uploadedPairsTask } from './similarity.ts';
import { sumOf, type Task } from './task.ts';
import { teach } from './teacher-outputs.ts';

/** @throws TRAINING_EMPTY, LOSS_NOT_FINITE, and the signal's reason when it is aborted */
export async function* train(request: TrainingRequest): AsyncGenerator<TrainingReport, TrainedModel> {
  const { kind, encoder, options, seed } = request;
  yield { type: 'phase', phase: 'load', message: `loading ${encoder.encoderId}` };
  const tokenizer = await loadTokenizer(encoder.directory);
  const weights = new EncoderWeights(encoder);
  try {
    const labels = labelsOf(request);
    const window = { maxPieces: Math.min(options.maxPieces, maxSequence(encoder.config)), wordPiece: options.wordPiece };
    const task = yield* taskOf(request, { tokenizer, window, labels });
    if (task.units.length === 0) throw fail('TRAINING_EMPTY', { detail: `a ${kind} has nothing to train on: no sentence of its datasets has a word` });
    yield { type: 'phase', phase: 'compile', message: 'compiling the training step' };
    const hasHead = kind !== 'evaluator';
    const start = options.start === 'recognizer' && kind === 'student' ? (request.teachers.recognizers[0]?.tensors ?? {}) : {};
    const session = openSession({ kind, cacheDir: request.cacheDir, weights, tokenizer, task, options, window, seed, numTags: hasHead ? labels.tags.length : 0, hasVectors: kind === 'evaluator' || kind === 'teacher', start });
    const steps = planSteps(task.units, { shape: session.shape, epochs: options.epochs, maxSteps: options.maxSteps, evaluationsPerEpoch: options.evaluationsPerEpoch, accumulation: options.accumulation, seed });
    const facts: TrainedFacts = {
      config: encoder.config,
      labels: hasHead ? labels.labels : [],
      tags: hasHead ? labels.tags : [],
      tokenizerDigest: tokenizer.digest,
      ...window,
    };
    return yield* runSteps({ request, session, steps, labels, facts, close: () => weights.close() });
  } catch (error) {
    weights.close();
    throw error;
  }
}

interface Running {
  readonly request: TrainingRequest;
  readonly session: Session;
  readonly steps: readonly PlannedStep[];
  readonly labels: LabelSet;
  readonly facts: TrainedFacts;
  readonly close: () => void;
}

async function* runSteps({ request, session, steps, labels, facts, close }: Running): AsyncGenerator<TrainingReport, TrainedModel> {
  const { options, signal, clock } = request;
  const schedule: Schedule = { kind: options.schedule, steps: steps.length, warmupSteps: Math.round(options.warmupRatio * steps.length) };
  const dispose = (): void => {
    session.dispose();
    close();
  };
  const model = modelsOf(request, session, labels, dispose);
  const score = devScorer(request, model);
  const choices = openChoices({ protocols: protocolsOf(request), own: options.selection, trained: () => session.trained() });
  const average = openAverage({ steps: steps.length, share: options.averagedShare });
  try {
    yield { type: 'phase', phase: 'train', message: `training for ${steps.length} steps of ${session.shape.rows} x ${session.shape.length} pieces` };
    const began = clock();
    let scoringMs = 0;
    let pieces = 0;
    let sinceBest = 0;
    let step = 0;
    for (const planned of steps) {
      signal.throwIfAborted();
      const factor = rateFactor(step, schedule);
      step++;
      const result = session.train(planned, step, factor);
      if (!Number.isFinite(result.loss) || !Number.isFinite(result.gradNorm)) throw fail('LOSS_NOT_FINITE', { step, loss: result.loss });
      pieces += result.pieces;
      average.take(step, () => session.trained());
      if (step === steps.length) session.restore(average.mean() ?? {});
      const elapsed = Math.max(1e-3, (clock() - began - scoringMs) / 1000);
      const epoch = step / (steps.length / (steps.at(-1)?.epoch === undefined ? 1 : (steps.at(-1) as PlannedStep).epoch + 1));
      yield {
        type: 'step',
        step,
        steps: steps.length,
        epoch,
        loss: result.loss,
        learningRate: options.learningRate * factor,
        gradNorm: result.gradNorm,
        piecesPerSecond: pieces / elapsed,
        etaSeconds: (elapsed / step) * (steps.length - step),
      };
      await new Promise(setImmediate); // messages of the parent process are read here
      if (!planned.isEvaluated || score === null) continue;
      const scoringBegan = clock();
      const { name, rows } = await score(signal);
      scoringMs += clock() - scoringBegan;
      const judgements = choices.judge(step, rows);
      const own = judgements.find(({ selection }) => selection === choices.own);
      sinceBest = own?.isBest === false ? sinceBest + 1 : 0;
      yield { type: 'dev', step, epoch, name, value: own?.value ?? null, isBest: own?.isBest ?? false, judgements, rows };
      if (options.patience !== null && sinceBest >= options.patience) break;
    }
    const chosen = choices.end(step);
    yield* checkpointsOf(chosen, { own: choices.own, last: step, name: model.recognizer === null ? 'pairF1' : 'f1', facts });
    const use = switchOver(chosen, { restore: (weights) => session.restore(weights), loaded: step });
    use(choices.own);
    return { ...model, selection: choices.own, choices: choicesOf(chosen), use, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

function* checkpointsOf(chosen: readonly ChosenStep[], { own, last, name, facts }: { own: Selection; last: number; name: string; facts: TrainedFacts }): Generator<TrainingReport> {
  const ownLast = [...chosen].sort((a, b) => Number(a.selections.includes(own)) - Number(b.selections.includes(own)));
  for (const { step, selections, values, weights: tensors } of ownLast) {
    const scores = Object.fromEntries(Object.entries(values).map(([selection, value]) => [`${name} by ${selection}`, value]));
    yield { type: 'checkpoint', step, isBest: selections.includes(own), isLast: step === last, selections, scores, tensors, facts };
  }
}

type Models = Pick<TrainedModel, 'recognizer' | 'evaluator'>;

function modelsOf({ kind, encoder, options }: TrainingRequest, session: Session, labels: LabelSet, dispose: () => void): Models {
  const { hiddenSize } = encoder.config;
  const recognizer = kind === 'evaluator' ? null : recognizerOf(session.predictor, labels, dispose);
  const evaluator = kind === 'evaluator' || kind === 'teacher' ? evaluatorOf(session.predictor, { hiddenSize, temperature: options.similarityTemperature, dispose }) : null;
  return { recognizer, evaluator };
}

/** Null where there is nothing to score. A teacher of both kinds is picked by its tags. */
function devScorer({ options, dev, pairs, seed }: TrainingRequest, { recognizer, evaluator }: Models): ((signal: AbortSignal) => Promise<DevScore>) | null {
  if (recognizer !== null) return dev.length === 0 ? null : (signal) => scoreDevTags(recognizer, dev, options.decoding, signal);
  const sets = devPairs(dev, pairs.dev, { balance: options.pairBalance, seed });
  return evaluator === null || sets.length === 0 ? null : (signal) => scoreDevPairs(evaluator, sets, signal);
}

async function* taskOf(request: TrainingRequest, { tokenizer, window, labels }: { tokenizer: PieceTokenizer; window: WindowOptions; labels: LabelSet }): AsyncGenerator<TrainingReport, Task> {
  const { kind, options, seed } = request;
  const temperature = options.similarityTemperature;
  if (kind === 'student') {
    const sentences = pickSentences(request.unlabeled, { limit: options.maxTrainSentences, seed });
    const units = await windowUnits(sentences, tokenizer, window);
    const { recognizers, evaluators } = request.teachers;
    const { encoder, cacheDir, signal } = request;
    const teachers = yield* teach({ recognizers, evaluators: readsEvaluators(options) ? evaluators : [], encoder, sentences, agreement: options, precision: options.precision, cacheDir, signal });
    return distillationTask({ units, teachers, numTags: labels.tags.length, options });
  }
  if (kind === 'evaluator' && request.pairs.train.length > 0) {
    return uploadedPairsTask({ units: await pairUnits(request.pairs.train, tokenizer, window), pairs: request.pairs.train, temperature });
  }
  const sentences = pickSentences(request.train, { limit: options.maxTrainSentences, seed });
  const units = await windowUnits(sentences, tokenizer, window);
  const recognition = recognitionTask({ sentences, units, labels });
  if (kind === 'recognizer') return recognition;
  const similarity = drawnPairsTask({ units, tags: sentences.map((sentence) => tagIndices(sentence, labels)), options });
  return kind === 'teacher' ? sumOf(recognition, similarity) : similarity;
}

function labelsOf({ kind, train, teachers }: TrainingRequest): LabelSet {
  return labelSet(kind === 'student' ? (teachers.recognizers[0]?.manifest.labels ?? []) : train.flatMap(({ labels }) => labels));
}
