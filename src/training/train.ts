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
import { calibrate, calibratingDev } from './calibrate.ts';
import { devPairs, protocolsOf, scoreDevPairs, scoreDevTags, type DevScore } from './dev.ts';
import { distillationTask, readsEvaluators } from './distillation.ts';
import { runSteps, type LoopOptions } from './loop.ts';
import { planSteps } from './plan.ts';
import { pairUnits, pickSentences, windowUnits } from './prepare.ts';
import { recognitionTask, tagIndices } from './recognition.ts';
import type { TrainedFacts, TrainedModel, TrainingReport, TrainingRequest } from './request.ts';
import { openSession, type Session } from './session.ts';
import { drawnPairsTask, uploadedPairsTask } from './similarity.ts';
import { sumOf, type Task } from './task.ts';
import { teach } from './teacher-outputs.ts';

/** @throws TRAINING_EMPTY, LOSS_NOT_FINITE, RESUME_MISMATCH, and the signal's reason when it is aborted */
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
    const session = openSession({ kind, cacheDir: request.cacheDir, weights, tokenizer, task, options, window, seed, parts: request.parts ?? 1, numTags: hasHead ? labels.tags.length : 0, hasVectors: kind === 'evaluator' || kind === 'teacher', start });
    const steps = planSteps(task.units, { ...options, shape: session.shape, partShape: session.partShape, seed });
    const facts: TrainedFacts = {
      config: encoder.config,
      labels: hasHead ? labels.labels : [],
      tags: hasHead ? labels.tags : [],
      tokenizerDigest: tokenizer.digest,
      ...window,
    };
    const dispose = (): void => {
      session.dispose();
      weights.close();
    };
    const model = modelsOf(request, session, labels, dispose);
    return yield* runSteps({ request, session, steps, facts, model: { ...model, dispose }, score: devScorer(request, model), calibrate: calibration(request, model) });
  } catch (error) {
    weights.close();
    throw error;
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

/** What has no tag distributions has no temperature. */
function calibration(request: TrainingRequest, { recognizer }: Models): LoopOptions['calibrate'] {
  const protocols = protocolsOf(request);
  const { dev, options: { selection: own } } = request;
  return async (selections, signal) => (recognizer === null ? null : calibrate(recognizer, calibratingDev(dev, { protocols, selections, own }), signal));
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
