/** Drives the training of one run: from its resume point if there is one, its reports into the record, its weights into storage. */
import { saveCheckpoint } from '../checkpoints/save.ts';
import type { Manifest } from '../checkpoints/manifest.ts';
import type { InstalledEncoder } from '../encoders/registry.ts';
import { MtmtError } from '../errors.ts';
import { createCheckpoint } from '../store/checkpoints.ts';
import { newId } from '../store/ids.ts';
import { rewindRun } from '../store/resume-points.ts';
import type { RunRecord } from '../store/runs.ts';
import type { TrainedModel, TrainingReport, TrainingRequest } from '../training/request.ts';
import type { Attempt } from './attempt.ts';
import { failureOf } from './lifecycle.ts';
import type { Material } from './material.ts';
import { persist, Superseded } from './persist.ts';
import type { Recorder } from './record.ts';
import { ResumePoints, type LoadedPoint } from './resume-points.ts';

export interface DriveOptions extends Attempt {
  readonly recorder: Recorder;
  readonly run: RunRecord;
  readonly material: Material;
  readonly encoder: InstalledEncoder;
  /** cpu or gpu */
  readonly deviceKind: string;
}

export interface Driven {
  readonly model: TrainedModel;
  /** Of the weights that the run's own selection chose. */
  readonly best: string | undefined;
  /** Ids by step; scores name them. */
  readonly checkpoints: ReadonlyMap<number, string>;
}

/** Why the signal was aborted, where the run goes on elsewhere. */
export class GivenBack extends Error {
  constructor() {
    super('the run was given back');
  }
}

type Report<T extends TrainingReport['type']> = Extract<TrainingReport, { type: T }>;

/** Codes of a point that cannot be read: then the run begins anew. One that is another run's (RESUME_MISMATCH) fails it. */
const UNREADABLE: readonly string[] = ['ARTIFACT_NOT_FOUND', 'ARTIFACT_DAMAGED', 'SAFETENSORS_INVALID'];

/** @throws Superseded, RESUME_MISMATCH, what training throws, and the signal's reason when all that is to be kept is kept */
export async function drive(o: DriveOptions): Promise<Driven> {
  return new Drive(o).run();
}

class Drive {
  readonly #o: DriveOptions;
  readonly #points: ResumePoints;
  readonly #writtenBy: Readonly<Record<string, string>>;
  readonly #checkpoints = new Map<number, string>();
  #best: string | undefined;

  constructor(o: DriveOptions) {
    this.#o = o;
    this.#writtenBy = { device: o.deviceKind, ...o.versions };
    this.#points = new ResumePoints({ ...o, ...o.task, everySeconds: o.config.resumeSeconds, writtenBy: this.#writtenBy });
  }

  async run(): Promise<Driven> {
    const point = await this.#point();
    if (point === null) await this.#rewind(0);
    const training = this.#o.engine.train(this.#request(point));
    for (;;) {
      const { done, value } = await training.next();
      if (done) return { model: value, best: this.#best, checkpoints: this.#checkpoints };
      await this.#take(value, point);
    }
  }

  #request(point: LoadedPoint | null): TrainingRequest {
    const { run, encoder, material, config, signal } = this.#o;
    const { cacheDir } = config;
    const { kind, options, seed, batchParts: parts } = run;
    const { train, dev, pairs, teachers } = material;
    // raw text of a teacher is for estimates, and must not move its weights
    const unlabeled = kind === 'student' ? material.unlabeled : [];
    return { kind, encoder, options, seed, parts, train, dev, unlabeled, pairs, teachers, cacheDir, signal, clock: () => performance.now(), ...(point && { from: point.state }) };
  }

  async #take(report: TrainingReport, point: LoadedPoint | null): Promise<void> {
    const { recorder, signal } = this.#o;
    if (report.type === 'step') return recorder.step(report);
    if (report.type === 'dev') return recorder.dev(report);
    if (report.type === 'checkpoint') return this.#save(report);
    if (report.type === 'resumed') return point === null ? undefined : this.#tellResumed(report, point);
    if (report.type === 'phase') await recorder.phase(report);
    else if (signal.aborted || this.#points.isDue()) await this.#keep(report);
    // a training that was cancelled gives its checkpoints first, and then throws the reason itself
    if (report.type === 'phase' || signal.reason instanceof GivenBack) signal.throwIfAborted();
  }

  async #point(): Promise<LoadedPoint | null> {
    const { run, log, recorder } = this.#o;
    try {
      return await persist(log, () => this.#points.load());
    } catch (error) {
      if (!(error instanceof MtmtError) || !UNREADABLE.includes(error.code)) throw error;
      log.warn({ runId: run.runId, err: error }, 'the resume point cannot be read');
      await recorder.event({ level: 'warn', type: 'warning', message: `training begins anew, for its resume point cannot be read: ${error.message}`, data: { code: error.code } });
      return null;
    }
  }

  async #rewind(step: number): Promise<void> {
    const { store, log, task } = this.#o;
    if (!(await persist(log, () => rewindRun(store, { ...task, step })))) throw new Superseded();
  }

  async #tellResumed({ step, steps }: Report<'resumed'>, { attempt, writtenBy }: LoadedPoint): Promise<void> {
    const { recorder } = this.#o;
    await this.#rewind(step);
    await recorder.event({ level: 'info', type: 'resume', message: `resumed from step ${step} of attempt ${attempt}`, data: { step, steps, attempt } });
    const others = Object.keys({ ...writtenBy, ...this.#writtenBy }).sort().filter((key) => writtenBy[key] !== this.#writtenBy[key]);
    if (others.length === 0) return;
    const differences = others.map((key) => `${key} ${this.#writtenBy[key] ?? 'none'} (then ${writtenBy[key] ?? 'none'})`);
    const message = `what trains now is not what trained before, so that last bits may differ: ${differences.join(', ')}`;
    await recorder.event({ level: 'warn', type: 'warning', message, data: { before: writtenBy, now: this.#writtenBy } });
  }

  /** A point that cannot be kept costs nothing but what is trained since the one before. */
  async #keep({ step, take }: Report<'point'>): Promise<void> {
    const { log, run, recorder } = this.#o;
    try {
      await this.#points.save(take, () => recorder.writeThrough());
      log.debug({ runId: run.runId, step }, 'resume point kept');
    } catch (error) {
      if (error instanceof Superseded) throw error;
      const { code, detail } = failureOf(error);
      log.warn({ runId: run.runId, step, err: error }, 'a resume point could not be kept');
      await recorder.mention({ level: 'warn', type: 'warning', message: `the resume point of step ${step} could not be kept: ${detail}`, data: { code, step } });
    }
  }

  async #save({ step, isBest, isLast, selections, scores, calibration, tensors, facts }: Report<'checkpoint'>): Promise<void> {
    const { store, storage, log, run, task, encoder, recorder, versions } = this.#o;
    const { runId, kind, seed, options } = run;
    const { encoderId, digest } = encoder;
    const manifest: Omit<Manifest, 'format' | 'tensors' | 'weightsDigest'> = {
      checkpointId: newId('ckpt'),
      runId,
      kind,
      step,
      encoder: { encoderId, digest, architecture: encoder.config.family },
      ...facts,
      seed,
      options,
      selections,
      scores,
      ...(calibration && { temperature: calibration.temperature }),
      versions,
      createdAt: new Date().toISOString(),
    };
    const saved = await saveCheckpoint(storage, { manifest, tensors });
    const row = { ...saved, checkpointId: manifest.checkpointId, runId, attempt: task.attempt, step, isBest, isLast };
    const checkpointId = await persist(log, () => createCheckpoint(store, row));
    if (checkpointId === null) throw new Superseded();
    if (isBest) this.#best = checkpointId;
    this.#checkpoints.set(step, checkpointId);
    const message = `${isBest ? 'the best checkpoint' : 'a checkpoint'} is of step ${step}, chosen by ${selections.join(' and ')}${calibrationText(calibration)}`;
    await recorder.event({ level: 'info', type: 'checkpoint', message, data: { checkpointId, step, isBest, isLast, selections, calibration } });
  }
}

function calibrationText(calibration: Report<'checkpoint'>['calibration']): string {
  if (calibration === null) return '';
  const { temperature, errorBefore, errorAfter, words } = calibration;
  return `; its temperature is ${temperature.toFixed(3)}: expected calibration error ${errorBefore.toFixed(4)} before and ${errorAfter.toFixed(4)} after, on ${words} dev words`;
}
