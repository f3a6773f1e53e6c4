/** What the API can do with runs: submit, cancel, resume, clone. Rows and jobs are written in one transaction. */
import type { Config } from '../config.ts';
import { fail } from '../errors.ts';
import { findOrCreateExperiment } from '../store/experiments.ts';
import { newId } from '../store/ids.ts';
import { lockDatasets } from '../store/locks.ts';
import { createRuns, findRun, moveRun, type NewRun, type RunRecord } from '../store/runs.ts';
import type { Store } from '../store/store.ts';
import type { RunKind } from '../training/request.ts';
import type { Delivery } from './delivery.ts';
import { wakeStudent, wakeStudents } from './dependents.ts';
import { isTerminal } from './lifecycle.ts';
import { planPipeline, type PipelineRequest, type PlannedRun } from './pipeline.ts';
import { labelsOf, ROLES, validateRun, type RunRequest, type Teacher, type ValidRun } from './validate.ts';

export type { PipelineRequest } from './pipeline.ts';
export type { RunRequest } from './validate.ts';

export interface RunService {
  submit(request: RunRequest): Promise<{ runId: string }>;
  submitPipeline(request: PipelineRequest): Promise<{ experimentId: string; runs: { runId: string; kind: RunKind; languages: string[] }[] }>;
  /** A second request for the same is answered alike. @throws RUN_NOT_FOUND, RUN_ENDED */
  cancel(runId: string): Promise<void>;
  /** Queues a run again that failed or was cancelled: it goes on from its resume point. @throws RUN_NOT_FOUND, RUN_NOT_RESUMABLE, DATASET_NOT_FOUND */
  resume(runId: string): Promise<void>;
  clone(runId: string, overrides?: Partial<RunRequest>): Promise<{ runId: string }>;
}

export interface ServiceOptions {
  readonly store: Store;
  readonly delivery: Delivery;
  readonly config: Pick<Config, 'encodersDir' | 'defaultEncoder'>;
}

const DEFAULT_EXPERIMENT = 'default';
const DEFAULT_SEED = 1;

export function createRunService({ store, delivery, config }: ServiceOptions): RunService {
  async function create(planned: readonly PlannedRun[], experimentName: string | undefined): Promise<string> {
    const teachers = new Map<string, Omit<Teacher, 'role'>>();
    const rows: Omit<NewRun, 'experimentId'>[] = [];
    for (const { runId, request } of planned) {
      const valid = await validateRun(store, config, request, teachers);
      rows.push(newRun(runId, request, valid));
      const { encoderId, digest: encoderDigest } = valid.encoder;
      teachers.set(runId, { teacherRunId: runId, checkpointId: null, kind: request.kind, status: 'queued', encoderId, encoderDigest, labels: labelsOf(valid.datasets.train) });
    }
    // Only after all is valid: a refused request leaves no experiment behind.
    const { experimentId } = await findOrCreateExperiment(store, experimentName ?? DEFAULT_EXPERIMENT);
    await createRuns(
      store,
      rows.map((row) => ({ ...row, experimentId })),
      {
        within: async (transaction) => {
          for (const row of rows) if (row.status === 'queued') await delivery.enqueue(transaction, row);
        },
      },
    );
    // A teacher may have ended between the look at it and these rows.
    for (const row of rows) if (row.status === 'waiting') await wakeStudent(store, delivery, row.runId);
    return experimentId;
  }

  async function submit(request: RunRequest): Promise<{ runId: string }> {
    const runId = newId('run');
    await create([{ runId, languages: [], request }], request.experiment);
    return { runId };
  }

  return {
    submit,
    async submitPipeline(request) {
      const planned = await planPipeline(store, request);
      const experimentId = await create(planned, request.experiment);
      return { experimentId, runs: planned.map(({ runId, languages, request: { kind } }) => ({ runId, kind, languages: [...languages] })) };
    },
    async cancel(runId) {
      const reason = 'cancelled by request';
      if (await moveRun(store, { runId, from: ['waiting', 'queued'], to: 'cancelled', reason })) return wakeStudents(store, delivery, runId);
      if (await moveRun(store, { runId, from: ['running'], to: 'cancelling', reason })) return;
      const { status } = await existing(store, runId);
      if (status === 'succeeded' || status === 'failed') throw fail('RUN_ENDED', { runId, status });
    },
    async resume(runId) {
      const run = await existing(store, runId);
      if (!isTerminal(run.status) || run.status === 'succeeded') throw fail('RUN_NOT_RESUMABLE', { runId, status: run.status });
      const isWaiting = run.teachers.length > 0;
      const moved = await moveRun(store, {
        runId,
        from: ['failed', 'cancelled'],
        to: isWaiting ? 'waiting' : 'queued',
        reason: 'resumed by request',
        set: { maxAttempts: run.attempt + 3 },
        within: async (transaction) => {
          // what was deleted while no live run needed it may be gone from storage
          await lockDatasets(transaction, run.datasets.map(({ dataset }) => dataset.datasetId));
          if (!isWaiting) await delivery.enqueue(transaction, run);
        },
      });
      if (!moved) throw fail('RUN_NOT_RESUMABLE', { runId, status: (await existing(store, runId)).status });
      if (isWaiting) await wakeStudent(store, delivery, runId);
    },
    async clone(runId, overrides = {}) {
      const run = await existing(store, runId);
      const requested = run.requested as unknown as RunRequest;
      const { encoderId, experimentId, seed } = run;
      const options = { ...requested.options, ...overrides.options };
      return submit({ ...requested, experiment: experimentId, encoder: encoderId, seed, ...overrides, options });
    },
  };
}

async function existing(store: Store, runId: string): Promise<RunRecord> {
  const run = await findRun(store, runId);
  if (run === null) throw fail('RUN_NOT_FOUND', { runId });
  return run;
}

function newRun(runId: string, request: RunRequest, { datasets, encoder, teachers, options }: ValidRun): Omit<NewRun, 'experimentId'> {
  const isReady = teachers.every(({ checkpointId, status }) => checkpointId !== null || status === 'succeeded');
  return {
    runId,
    kind: request.kind,
    status: isReady ? 'queued' : 'waiting',
    name: request.name ?? request.kind,
    encoderId: encoder.encoderId,
    encoderDigest: encoder.digest,
    requested: request,
    options,
    seed: request.seed ?? DEFAULT_SEED,
    priority: request.priority ?? 0,
    tags: request.tags ?? {},
    datasets: ROLES.flatMap((role) => datasets[role].map(({ datasetId }) => ({ role, datasetId }))),
    teachers: teachers.map(({ role, teacherRunId, checkpointId }) => ({ role, teacherRunId, checkpointId })),
  };
}
