/** One run, in the trainer's process: corpora -> training -> checkpoints -> scores on test sets -> the row's last state. */
import { fail } from '../errors.ts';
import { findEncoder, type InstalledEncoder } from '../encoders/registry.ts';
import type { LoadOptions } from '../inference/load.ts';
import type { Recognizer } from '../inference/recognizer.ts';
import { saveEstimate } from '../store/estimates.ts';
import { setDefaultIfNone } from '../store/models.ts';
import { dropResumePoint } from '../store/resume-points.ts';
import { describeRun, findRun, moveRun, type RunRecord } from '../store/runs.ts';
import { saveScores } from '../store/scores.ts';
import type { Transaction } from '../store/store.ts';
import type { Attempt } from './attempt.ts';
import { drive, type Driven } from './drive.ts';
import { estimateTargets } from './estimate.ts';
import { loadMaterial, loadTests, type Material } from './material.ts';
import { failureOf, type Outcome } from './lifecycle.ts';
import { persist, Superseded } from './persist.ts';
import { createRecorder, type Recorder } from './record.ts';
import { removeAll } from './resume-points.ts';
import { scoreTests, type ScoredTest } from './score-tests.ts';

/** Never rejects: what goes wrong is the outcome. */
export async function execute(o: Attempt): Promise<Outcome> {
  const { runId, attempt } = o.task;
  try {
    const run = await persist(o.log, () => findRun(o.store, runId));
    if (run === null || run.attempt !== attempt) return { status: 'superseded' };
    return await new Execution(o, run).run();
  } catch (error) {
    if (o.signal.aborted) {
      if (error !== o.signal.reason) o.log.warn({ runId, attempt, err: error }, 'a run that is to end could not keep everything');
      return { status: 'cancelled' };
    }
    if (error instanceof Superseded) return { status: 'superseded' };
    o.log.error({ runId, attempt, err: error }, 'run failed');
    return { status: 'failed', failure: failureOf(error) };
  }
}

class Execution {
  readonly #o: Attempt;
  readonly #run: RunRecord;
  readonly #recorder: Recorder;
  #versions: Readonly<Record<string, string>>;

  constructor(o: Attempt, run: RunRecord) {
    this.#o = o;
    this.#run = run;
    this.#versions = o.versions;
    this.#recorder = createRecorder({ store: o.store, log: o.log, runId: run.runId, attempt: o.task.attempt });
  }

  async run(): Promise<Outcome> {
    const { engine, task, config, signal, store, storage } = this.#o;
    const run = this.#run;
    const backend = await engine.start({ device: task.device });
    this.#versions = { ...this.#versions, libtensorflow: backend.libtensorflow };
    const described = { runId: run.runId, attempt: task.attempt, device: backend.device, backend: backend.backend, versions: this.#versions };
    if (!(await persist(this.#o.log, () => describeRun(store, described)))) return { status: 'superseded' };
    const encoder = await findEncoder(config.encodersDir, run.encoderId);
    if (encoder.digest !== run.encoderDigest)
      throw fail('ENCODER_CHANGED', { encoderId: run.encoderId, expected: run.encoderDigest, found: encoder.digest });
    await this.#recorder.phase({ type: 'phase', phase: 'load', message: 'reading the datasets' });
    const { log } = this.#o;
    const material = await loadMaterial({ store, storage, log, run, encoder });
    const deviceKind = backend.isGpu ? 'gpu' : 'cpu';
    const driven = await drive({ ...this.#o, versions: this.#versions, recorder: this.#recorder, run, material, encoder, deviceKind });
    try {
      await this.#recorder.flush();
      await this.#score(driven, material);
      await this.#estimate(driven, material, encoder);
    } finally {
      driven.model.dispose();
    }
    signal.throwIfAborted();
    return this.#finish(driven);
  }

  /** Every test set with the weights of each choice; then the model has those of the run's own. */
  async #score(driven: Driven, { sourceLanguages }: Material): Promise<void> {
    const { storage, signal } = this.#o;
    const { decoding, pairBalance } = this.#run.options;
    const say = (message: string): Promise<void> => this.#recorder.phase({ type: 'phase', phase: 'train', message });
    const tests = await loadTests(storage, this.#run);
    const { model } = driven;
    for await (const scored of scoreTests(model, { tests, sourceLanguages, decoding, pairBalance, signal, say })) await this.#keep(scored, driven);
  }

  /** Rows of scores are of the run's own selection, those of variants of each. */
  async #keep({ place: { datasetId, language, split }, step, selections, isOwn, scored }: ScoredTest, { checkpoints, model: { selection: own } }: Driven): Promise<void> {
    const { store, log, task } = this.#o;
    const checkpointId = checkpoints.get(step);
    if (checkpointId === undefined) throw new Error(`the training ended without a checkpoint of step ${step}`);
    const rows = isOwn ? scored.rows.map((row) => ({ ...row, checkpointId, selection: own })) : [];
    const variants = selections.flatMap((selection) => scored.variants.map((variant) => ({ ...variant, checkpointId, selection })));
    if (!(await persist(log, () => saveScores(store, { runId: this.#run.runId, attempt: task.attempt }, rows, variants)))) throw new Superseded();
    const by = scored.variants.length > 0 ? selections : [own];
    const message = `F1 on ${language} ${split} is ${scored.f1.toFixed(4)} by ${by.join(' and ')}`;
    await this.#recorder.event({ level: 'info', type: 'score', message, data: { datasetId, language, split, f1: scored.f1, checkpointId, selections: by } });
    if (scored.labels === null || !isOwn) return;
    const { shared, model, corpus } = scored.labels;
    const warning = `${language} ${split} is scored on the labels ${shared.join(', ')}: the model knows ${model.join(', ')}, the dataset ${corpus.join(', ')}`;
    await this.#recorder.event({ level: 'warn', type: 'warning', message: warning, data: { datasetId, language, split, ...scored.labels } });
  }

  /** F1 on raw text of the target languages, with the best weights. */
  async #estimate({ model: { recognizer }, best: checkpointId }: Driven, material: Material, encoder: InstalledEncoder): Promise<void> {
    const { store, log, task, config, engine, signal } = this.#o;
    const { runId, options } = this.#run;
    if (recognizer === null || checkpointId === undefined || material.unlabeled.length === 0) return;
    await this.#recorder.phase({ type: 'phase', phase: 'train', message: 'estimating F1 on raw text' });
    const open = (checkpoint: LoadOptions['checkpoint']): Promise<Recognizer> => engine.open({ encoder, checkpoint, precision: options.precision, cacheDir: config.cacheDir });
    try {
      for await (const { ci95, ...estimate } of estimateTargets({ model: recognizer, material, open, decoding: options.decoding, signal })) {
        const row = { ...estimate, ciLow: ci95[0], ciHigh: ci95[1], checkpointId };
        if (!(await persist(log, () => saveEstimate(store, { runId, attempt: task.attempt }, row)))) throw new Superseded();
        const message = `F1 on ${estimate.language} without gold tags is about ${estimate.f1.toFixed(4)} (${ci95.map((end) => end.toFixed(2)).join(' to ')})`;
        await this.#recorder.event({ level: 'info', type: 'estimate', message, data: { ...estimate, ci95, checkpointId } });
      }
    } catch (error) {
      // trained and scored as the model is, a missing estimate is no reason to lose it
      if (signal.aborted || error instanceof Superseded) throw error;
      const { code, detail } = failureOf(error);
      log.warn({ runId, err: error }, 'F1 could not be estimated');
      await this.#recorder.event({ level: 'warn', type: 'warning', message: `F1 without gold tags could not be estimated: ${detail}`, data: { code } });
    }
  }

  async #finish({ best: checkpointId }: Driven): Promise<Outcome> {
    const { store, storage, log, task } = this.#o;
    const { runId, kind } = this.#run;
    let leftovers: string[] = [];
    const within = async (transaction: Transaction): Promise<void> => {
      leftovers = await dropResumePoint(transaction, runId);
    };
    const moved = await persist(log, () => moveRun(store, { runId, from: ['running'], to: 'succeeded', attempt: task.attempt, within }));
    if (!moved && !(await this.#hasSucceeded())) return { status: this.#o.signal.aborted ? 'cancelled' : 'superseded' };
    await removeAll(storage, leftovers);
    if (kind === 'student' && checkpointId !== undefined) await persist(log, () => setDefaultIfNone(store, checkpointId));
    return { status: 'succeeded' };
  }

  /** No one else says so of this attempt: the move was made, and its answer was lost with the connection. */
  async #hasSucceeded(): Promise<boolean> {
    const { store, log, task } = this.#o;
    const run = await persist(log, () => findRun(store, task.runId));
    return run?.status === 'succeeded' && run.attempt === task.attempt;
  }
}
