/** The steps of a run, one after the other: train, score on dev, choose, and say from where another process could go on. */
import { fail } from '../errors.ts';
import { isOfAverage, openAverage, type WeightAverage } from './average.ts';
import type { Calibration } from './calibrate.ts';
import { choicesOf, openChoices, switchOver, type Choices, type ChosenStep } from './choices.ts';
import { protocolsOf, type DevScore } from './dev.ts';
import type { PlannedStep } from './plan.ts';
import type { Selection, TrainedFacts, TrainedModel, TrainingReport, TrainingRequest } from './request.ts';
import { assertSameRun, identityOf, type ResumeState } from './resume.ts';
import { rateFactor, type Schedule } from './schedule.ts';
import type { Session } from './session.ts';

export interface LoopOptions {
  readonly request: TrainingRequest;
  readonly session: Session;
  readonly steps: readonly PlannedStep[];
  readonly facts: TrainedFacts;
  readonly model: Pick<TrainedModel, 'recognizer' | 'evaluator' | 'dispose'>;
  /** Null where there is nothing to score. */
  readonly score: ((signal: AbortSignal) => Promise<DevScore>) | null;
  /** Of a step that the selections have chosen, with the weights of the moment. @throws the signal's reason */
  readonly calibrate: (selections: readonly Selection[], signal: AbortSignal) => Promise<Calibration | null>;
}

/** What is carried from step to step, and from one process to the next. */
type Progress = { -readonly [K in 'step' | 'isJudged' | 'pieces' | 'sinceBest']: ResumeState[K] };

/** @throws LOSS_NOT_FINITE, RESUME_MISMATCH, and the signal's reason */
export async function* runSteps(o: LoopOptions): AsyncGenerator<TrainingReport, TrainedModel> {
  try {
    return yield* new Loop(o).run();
  } catch (error) {
    o.model.dispose();
    throw error;
  }
}

class Loop {
  readonly #o: LoopOptions;
  readonly #identity: ResumeState['identity'];
  readonly #choices: Choices;
  readonly #average: WeightAverage;
  readonly #schedule: Schedule;
  readonly #now: Progress = { step: 0, isJudged: true, pieces: 0, sinceBest: 0 };
  /** Of training, in milliseconds of the clock: when it would have begun without dev scores and in one process. */
  #began: number;

  constructor(o: LoopOptions) {
    const { request, session, steps, facts } = o;
    const { from, options, clock } = request;
    this.#o = o;
    this.#identity = identityOf(request, { steps: steps.length, facts });
    if (from !== undefined) assertSameRun(from, this.#identity);
    this.#choices = openChoices({ protocols: protocolsOf(request), own: options.selection, trained: () => session.trained(), ...(from && { from: from.bests }) });
    const [weights, mean] = from === undefined ? [{}, {}] : split(from.tensors);
    this.#average = openAverage({ steps: steps.length, share: options.averagedShare, from: from && { taken: from.averaged, tensors: mean } });
    this.#schedule = { kind: options.schedule, steps: steps.length, warmupSteps: Math.round(options.warmupRatio * steps.length) };
    if (from !== undefined) {
      const { step, isJudged, pieces, sinceBest } = from;
      Object.assign(this.#now, { step, isJudged, pieces, sinceBest });
      session.goOnFrom(weights);
    }
    this.#began = clock() - 1000 * (from?.seconds ?? 0);
  }

  async *run(): AsyncGenerator<TrainingReport, TrainedModel> {
    const { session, steps, model, request } = this.#o;
    const now = this.#now;
    const { rows, length } = session.partShape;
    yield { type: 'phase', phase: 'train', message: `training for ${steps.length} steps of ${rows} x ${length} pieces` };
    if (request.from !== undefined) yield { type: 'resumed', step: now.step, steps: steps.length };
    if (!now.isJudged) yield* this.#judge();
    while (now.step < steps.length && !this.#isPatienceOver()) {
      if (request.signal.aborted) break;
      yield this.#step(steps[now.step] as PlannedStep);
      await new Promise(setImmediate); // messages of the parent process are read here
      if (!now.isJudged) yield* this.#judge();
      yield { type: 'point', step: now.step, take: () => this.#state() };
    }
    if (now.step === 0) request.signal.throwIfAborted();
    const chosen = this.#choices.end(now.step);
    const use = switchOver(chosen, { restore: (weights) => session.restore(weights), loaded: now.step });
    yield* this.#checkpoints(chosen, use);
    request.signal.throwIfAborted();
    use(this.#choices.own);
    return { ...model, selection: this.#choices.own, choices: choicesOf(chosen), use };
  }

  #step(planned: PlannedStep): TrainingReport {
    const { session, steps, request, score } = this.#o;
    const now = this.#now;
    const factor = rateFactor(now.step, this.#schedule);
    now.step++;
    const { loss, gradNorm, pieces } = session.train(planned, now.step, factor);
    if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) throw fail('LOSS_NOT_FINITE', { step: now.step, loss });
    this.#average.take(now.step, () => session.trained());
    if (now.step === steps.length) session.restore(this.#average.mean() ?? {});
    now.pieces += pieces;
    now.isJudged = !planned.isEvaluated || score === null;
    const elapsed = Math.max(1e-3, this.#seconds());
    return {
      type: 'step',
      step: now.step,
      steps: steps.length,
      epoch: this.#epoch(),
      loss,
      learningRate: request.options.learningRate * factor,
      gradNorm,
      piecesPerSecond: now.pieces / elapsed,
      etaSeconds: (elapsed / now.step) * (steps.length - now.step),
    };
  }

  /** The dev score of the step at hand; left for the next process where this one is to end. */
  async *#judge(): AsyncGenerator<TrainingReport> {
    const { score, request } = this.#o;
    const now = this.#now;
    if (score === null) return;
    const began = request.clock();
    const scored = await score(request.signal).catch((error: unknown) => {
      if (request.signal.aborted) return null;
      throw error;
    });
    this.#began += request.clock() - began;
    if (scored === null) return;
    const { step } = now;
    const judgements = this.#choices.judge(step, scored.rows);
    const own = judgements.find(({ selection }) => selection === this.#choices.own);
    now.sinceBest = own?.isBest === false ? now.sinceBest + 1 : 0;
    now.isJudged = true;
    yield { type: 'dev', step, epoch: this.#epoch(), name: scored.name, value: own?.value ?? null, isBest: own?.isBest ?? false, judgements, rows: scored.rows };
  }

  /** The run's own choice comes last. */
  async *#checkpoints(chosen: readonly ChosenStep[], use: (selection: Selection) => void): AsyncGenerator<TrainingReport> {
    const { model, facts, session: { inherited } } = this.#o;
    const { own } = this.#choices;
    const name = model.recognizer === null ? 'pairF1' : 'f1';
    const ownLast = [...chosen].sort((a, b) => Number(a.selections.includes(own)) - Number(b.selections.includes(own)));
    for (const { step, selections, values, weights } of ownLast) {
      const scores = Object.fromEntries(Object.entries(values).map(([selection, value]) => [`${name} by ${selection}`, value]));
      const calibration = await this.#calibration(selections, use);
      yield { type: 'checkpoint', step, isBest: selections.includes(own), isLast: step === this.#now.step, selections, scores, calibration, tensors: { ...inherited, ...weights }, facts };
    }
  }

  /** A run that was cancelled keeps its weights at once, and does without. */
  async #calibration(selections: readonly Selection[], use: (selection: Selection) => void): Promise<Calibration | null> {
    const { calibrate, request: { signal } } = this.#o;
    if (signal.aborted) return null;
    use(selections[0] ?? this.#choices.own);
    return calibrate(selections, signal).catch((error: unknown) => {
      if (signal.aborted) return null;
      throw error;
    });
  }

  #isPatienceOver(): boolean {
    const { patience } = this.#o.request.options;
    return patience !== null && this.#now.sinceBest >= patience;
  }

  #state(): ResumeState {
    const { taken, tensors } = this.#average.kept();
    return { identity: this.#identity, ...this.#now, seconds: this.#seconds(), averaged: taken, tensors: { ...this.#o.session.state(), ...tensors }, bests: this.#choices.kept() };
  }

  #seconds(): number {
    return (this.#o.request.clock() - this.#began) / 1000;
  }

  #epoch(): number {
    const { steps } = this.#o;
    return this.#now.step / (steps.length / ((steps.at(-1)?.epoch ?? 0) + 1));
  }
}

/** Of a resume point: the program's own, and those of the mean. */
function split(tensors: ResumeState['tensors']): [own: ResumeState['tensors'], mean: ResumeState['tensors']] {
  const entries = Object.entries(tensors);
  return [Object.fromEntries(entries.filter(([name]) => !isOfAverage(name))), Object.fromEntries(entries.filter(([name]) => isOfAverage(name)))];
}
