/** What one attempt of a run has to work with. */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import type { LoadOptions } from '../inference/load.ts';
import type { Recognizer } from '../inference/recognizer.ts';
import type { Storage } from '../storage/storage.ts';
import type { Store } from '../store/store.ts';
import type { BackendInfo } from '../tensor/backend.ts';
import type { TrainedModel, TrainingReport, TrainingRequest } from '../training/request.ts';
import type { TrainerTask } from './supervise.ts';

/** What trains; tests pass a generator of their own. */
export interface Engine {
  start(options: { device: TrainerTask['device'] }): Promise<BackendInfo>;
  train(request: TrainingRequest): AsyncGenerator<TrainingReport, TrainedModel>;
  /** A checkpoint that tags: a student's teacher. */
  open(options: LoadOptions): Promise<Recognizer>;
}

export interface Attempt {
  readonly store: Store;
  readonly storage: Storage;
  readonly config: Pick<Config, 'encodersDir' | 'cacheDir' | 'resumeSeconds'>;
  readonly engine: Engine;
  readonly log: Logger;
  readonly versions: Readonly<Record<string, string>>;
  readonly task: TrainerTask;
  /** Aborted when the run is cancelled or given back. */
  readonly signal: AbortSignal;
}
