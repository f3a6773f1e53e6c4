/** Writes what a run tells while it goes on: progress, metrics and events, each fenced by the attempt. */
import type { Logger } from 'pino';
import { addEvent, type NewEvent } from '../store/events.ts';
import { addMetrics, type MetricRow } from '../store/metrics.ts';
import { reportProgress } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { TrainingReport } from '../training/request.ts';
import { persist, Superseded } from './persist.ts';

type StepReport = Extract<TrainingReport, { type: 'step' }>;
type DevReport = Extract<TrainingReport, { type: 'dev' }>;
type PhaseReport = Extract<TrainingReport, { type: 'phase' }>;

/** Two writes a second at most, whatever a step takes. */
const PROGRESS_EVERY_MS = 500;
/** Steps kept of one run, evenly: a chart shows no more. */
const STEP_POINTS = 500;

export interface Recorder {
  step(report: StepReport): Promise<void>;
  dev(report: DevReport): Promise<void>;
  phase(report: PhaseReport): Promise<void>;
  event(event: Omit<NewEvent, 'runId' | 'attempt'>): Promise<void>;
  /** One that may be lost: it is not waited for while Postgres is away. */
  mention(event: Omit<NewEvent, 'runId' | 'attempt'>): Promise<void>;
  /** Tries once to write what is still held back. */
  writeThrough(): Promise<void>;
  /** Writes what is still held back. */
  flush(): Promise<void>;
}

/** Every call throws `Superseded` once the run has moved on. */
export function createRecorder({ store, log, runId, attempt }: { store: Store; log: Logger; runId: string; attempt: number }): Recorder {
  /** By what makes a row unique: two dev sets of one language are one metric, of which the later counts. */
  const metrics = new Map<string, MetricRow>();
  let latest: StepReport | undefined;
  let writtenAt = -Infinity;
  let phaseAt = -Infinity;

  async function write(): Promise<void> {
    const keys = [...metrics.keys()];
    if (keys.length > 0) {
      if (!(await addMetrics(store, { runId, attempt }, [...metrics.values()]))) throw new Superseded();
      for (const key of keys) metrics.delete(key);
    }
    if (latest !== undefined) {
      const { step, steps, epoch, loss, piecesPerSecond, etaSeconds } = latest;
      if (!(await reportProgress(store, { runId, attempt, step, steps, epoch, loss, piecesPerSecond, etaSeconds }))) throw new Superseded();
      latest = undefined;
    }
  }

  function keep(row: MetricRow): void {
    metrics.set([row.name, row.step, row.language, row.split].join(), row);
  }

  async function event(entry: Omit<NewEvent, 'runId' | 'attempt'>): Promise<void> {
    await persist(log, () => addEvent(store, { runId, ...entry }));
  }

  return {
    event,
    async mention(entry) {
      await addEvent(store, { runId, ...entry }).catch((error: unknown) => log.warn({ runId, err: error, message: entry.message }, 'an event could not be written'));
    },
    writeThrough: write,
    async step(report) {
      latest = report;
      const every = Math.ceil(report.steps / STEP_POINTS);
      if (report.step % every === 0 || report.step === report.steps || report.step === 1) {
        const { step, loss, learningRate, gradNorm, piecesPerSecond } = report;
        for (const [name, value] of Object.entries({ loss, learningRate, gradNorm, piecesPerSecond })) keep({ name, step, value });
      }
      if (performance.now() - writtenAt < PROGRESS_EVERY_MS) return;
      writtenAt = performance.now();
      // While Postgres is away nothing is lost: the rows wait here and training goes on.
      await write().catch((error: unknown) => {
        if (error instanceof Superseded) throw error;
        log.warn({ runId, err: error }, 'progress could not be written');
      });
    },
    async dev(report) {
      for (const { language, split, name, value } of report.rows) keep({ name, step: report.step, language, split, value });
      const { step, epoch, name, value, isBest, judgements, rows } = report;
      if (value !== null) keep({ name, step, split: 'dev', value });
      await persist(log, write);
      await event({ level: 'info', type: 'metric', message: devText(report), data: { step, epoch, name, value, isBest, judgements, rows } });
    },
    async phase(report) {
      const isLast = report.done === report.of;
      if (report.done !== undefined && !isLast && performance.now() - phaseAt < PROGRESS_EVERY_MS) return;
      phaseAt = performance.now();
      const { phase, message, done, of } = report;
      await event({ level: 'info', type: 'phase', message, data: { phase, ...(done !== undefined && { done }), ...(of !== undefined && { of }) } });
    },
    flush: () => persist(log, write),
  };
}

function devText({ name, step, judgements, rows }: DevReport): string {
  const figures = judgements.map(({ selection, value, isBest }) => `${value.toFixed(4)} by ${selection}${isBest ? ', the best so far' : ''}`);
  const all = figures.length > 0 ? figures : rows.map(({ language, value }) => `${value.toFixed(4)} on ${language}, which chooses nothing`);
  return `${name} on dev after step ${step}: ${all.join('; ')}`;
}
