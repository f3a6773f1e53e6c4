/** Keeps from where a run can go on: weights in artifact storage, the rest in its row, each point in place of the one before. */
import { digestOfFile } from '../encoders/registry.ts';
import { fail } from '../errors.ts';
import type { Storage, StoredArtifact } from '../storage/storage.ts';
import { findResumePoint, putResumePoint } from '../store/resume-points.ts';
import type { Store } from '../store/store.ts';
import { encodeSafetensors, SafetensorsFile, type NamedTensors } from '../tensor/safetensors.ts';
import type { KeptStep, ResumeState, RunIdentity } from '../training/resume.ts';
import { Superseded } from './persist.ts';

const PREFIX = 'resume-points';
/** What points may cost of a run's time: a fiftieth. One of e5-small (256 MB) takes 0.6 to 1.7 s on two busy cores. */
const TIMES_ITS_DURATION = 50;

export interface ResumePointOptions {
  readonly store: Store;
  readonly storage: Storage;
  readonly runId: string;
  readonly attempt: number;
  readonly everySeconds: number;
  /** Kind of device and versions. */
  readonly writtenBy: Readonly<Record<string, string>>;
}

export interface LoadedPoint {
  readonly state: ResumeState;
  readonly attempt: number;
  readonly writtenBy: Readonly<Record<string, string>>;
}

/** What the row says beside weights. */
interface Progress extends Pick<ResumeState, 'isJudged' | 'pieces' | 'seconds' | 'sinceBest' | 'averaged'> {
  readonly bests: readonly Pick<KeptStep, 'step' | 'values'>[];
}

export class ResumePoints {
  readonly #o: ResumePointOptions;
  /** Artifacts of chosen weights, by step: they are written once. */
  readonly #bests = new Map<number, StoredArtifact>();
  /** Keys of points whose row may have been written or not. */
  readonly #unsure: string[] = [];
  #lastAt: number | undefined;
  #lastTookMs = 0;

  constructor(o: ResumePointOptions) {
    this.#o = o;
  }

  /** Counts from its first call. */
  isDue(): boolean {
    this.#lastAt ??= performance.now();
    return performance.now() - this.#lastAt >= Math.max(1000 * this.#o.everySeconds, TIMES_ITS_DURATION * this.#lastTookMs);
  }

  /** Of an earlier attempt; null where there is none. @throws ARTIFACT_NOT_FOUND, ARTIFACT_DAMAGED, SAFETENSORS_INVALID */
  async load(): Promise<LoadedPoint | null> {
    const row = await findResumePoint(this.#o.store, this.#o.runId);
    if (row === null) return null;
    const [tensors = {}, ...weights] = await Promise.all(row.storageKeys.map((key, index) => this.#read({ key, digest: row.digests[index] ?? '' })));
    const { bests, ...progress } = row.progress as unknown as Progress;
    for (const [index, { step }] of bests.entries()) {
      const [key = '', digest = ''] = [row.storageKeys[index + 1], row.digests[index + 1]];
      this.#bests.set(step, { key, digest, sizeBytes: (await this.#o.storage.stat(key))?.sizeBytes ?? 0 });
    }
    const kept = bests.map((best, index): KeptStep => ({ ...best, weights: weights[index] ?? {} }));
    const identity = row.identity as unknown as RunIdentity;
    return { state: { ...progress, identity, step: row.step, tensors, bests: kept }, attempt: row.attempt, writtenBy: row.writtenBy as Record<string, string> };
  }

  /** @param take copies the state, which counts as time that the point takes @param beforeRow writes what the point must not come before @throws Superseded when the run has moved on, and what storage and Postgres throw; the former point is there then */
  async save(take: () => ResumeState, beforeRow: () => Promise<void>): Promise<void> {
    const began = performance.now();
    try {
      await this.#save(take(), beforeRow);
    } finally {
      this.#lastAt = performance.now();
      this.#lastTookMs = this.#lastAt - began;
    }
  }

  async #save({ identity, step, tensors, bests, ...progress }: ResumeState, beforeRow: () => Promise<void>): Promise<void> {
    const { store, storage, runId, attempt, writtenBy } = this.#o;
    const { artifacts, written } = await this.#write([{ step, what: 'state', weights: tensors }, ...bests.map((best) => ({ ...best, what: 'best' }))], beforeRow);
    const kept = artifacts.map(({ key }) => key);
    const row = {
      runId,
      attempt,
      step,
      storageKeys: kept,
      digests: artifacts.map(({ digest }) => digest),
      sizeBytes: artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      progress: { ...progress, bests: bests.map((best) => ({ step: best.step, values: best.values })) } satisfies Progress,
      identity,
      writtenBy,
    };
    const unsure = this.#unsure.splice(0);
    const former = await putResumePoint(store, row).catch((error: unknown) => {
      this.#unsure.push(...unsure, ...kept);
      throw error;
    });
    if (former === null) {
      await removeAll(storage, written);
      throw new Superseded();
    }
    await removeAll(storage, [...former, ...unsure].filter((key) => !kept.includes(key)));
  }

  /** All or nothing: a disk that is full gets back what was written for the sake of a point that is none. */
  async #write(wanted: readonly { step: number; what: string; weights: NamedTensors }[], beforeRow: () => Promise<void>): Promise<{ artifacts: StoredArtifact[]; written: string[] }> {
    const { storage, runId, attempt } = this.#o;
    const artifacts: StoredArtifact[] = [];
    const written: string[] = [];
    try {
      for (const { step, what, weights } of wanted) {
        const known = what === 'best' ? this.#bests.get(step) : undefined;
        // the header makes the content this attempt's own: what one removes is nobody else's
        const metadata = { run: runId, attempt: String(attempt), step: String(step), what };
        const artifact = known ?? (await storage.write(PREFIX, 'safetensors', encodeSafetensors(weights, metadata)));
        if (known === undefined) written.push(artifact.key);
        artifacts.push(artifact);
      }
      await beforeRow();
    } catch (error) {
      await removeAll(storage, written);
      throw error;
    }
    wanted.forEach(({ step, what }, index) => what === 'best' && this.#bests.set(step, artifacts[index] as StoredArtifact));
    return { artifacts, written };
  }

  async #read({ key, digest }: { key: string; digest: string }): Promise<NamedTensors> {
    const path = await this.#o.storage.localPath(key);
    const found = await digestOfFile(path);
    if (found !== digest) throw fail('ARTIFACT_DAMAGED', { key, detail: `its digest is ${found}, expected ${digest}` });
    const file = new SafetensorsFile(path);
    try {
      return Object.fromEntries(file.names.map((name) => [name, file.tensor(name)]));
    } finally {
      file.close();
    }
  }
}

/** What stays behind where storage does not answer is no row's. */
export async function removeAll(storage: Storage, keys: readonly string[]): Promise<void> {
  await Promise.allSettled(keys.map((key) => storage.remove(key)));
}
