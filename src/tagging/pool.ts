/** The models in memory: loaded when first asked for, one at a time, kept while in use, the longest unused dropped beyond a budget of memory. */
import type { LabelSet } from '../text/label-set.ts';
import type { Recognizer } from '../inference/recognizer.ts';

export interface TaggingModel {
  readonly checkpointId: string;
  readonly runId: string;
  /** Id of the encoder. */
  readonly encoder: string;
  readonly recognizer: Recognizer;
  readonly labels: LabelSet;
  readonly decoding: 'viterbi' | 'argmax';
  /** Of scores, see `Manifest`. */
  readonly temperature: number;
  /** Longest window, the two special pieces not counted. */
  readonly maxPieces: number;
  /** `[words + 1]`: word i has the pieces `starts[i]` up to `starts[i + 1]`. */
  pieceStarts(words: readonly string[]): Promise<Int32Array>;
  dispose(): void;
}

export interface ModelPool {
  /** Runs `work` with the checkpoint's model, which stays in memory meanwhile. */
  use<T>(checkpointId: string, work: (model: TaggingModel) => Promise<T>): Promise<T>;
  /** Checkpoints whose models are loaded. */
  loaded(): string[];
  /** Frees every model as soon as nobody uses it. */
  close(): Promise<void>;
}

/** A model that could be loaded. */
export interface LoadableModel {
  /** What it adds to memory. */
  readonly sizeBytes: number;
  load(): Promise<TaggingModel>;
}

interface Entry {
  readonly model: Promise<TaggingModel>;
  /** 0 until it is known. */
  sizeBytes: number;
  isLoaded: boolean;
  users: number;
}

/** @param budgetBytes of all models together; one that alone is larger is there when no other is */
export function modelPool({ find, budgetBytes }: { find: (checkpointId: string) => Promise<LoadableModel>; budgetBytes: number }): ModelPool {
  /** In order of use, the latest last. */
  const entries = new Map<string, Entry>();
  let loading: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  const budget = (): number => (isClosed ? -1 : budgetBytes);

  /** Until the models together are within `bytes`, those that nobody uses go. */
  function dropBeyond(bytes: number): void {
    let taken = [...entries.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const [checkpointId, { model, users, isLoaded, sizeBytes }] of entries) {
      if (taken <= bytes || (entries.size === 1 && !isClosed)) return;
      if (users > 0 || !isLoaded) continue;
      entries.delete(checkpointId);
      taken -= sizeBytes;
      void model.then((loaded) => loaded.dispose());
    }
  }

  function open(checkpointId: string): Entry {
    const model = loading.then(async () => {
      const { sizeBytes, load } = await find(checkpointId);
      entry.sizeBytes = sizeBytes;
      // room is made first: a model more in memory than allowed may be one too many
      dropBeyond(budget());
      return load();
    });
    const entry: Entry = { model, sizeBytes: 0, isLoaded: false, users: 0 };
    loading = model.catch(() => undefined);
    model.then(
      () => (entry.isLoaded = true),
      () => entries.delete(checkpointId),
    );
    return entry;
  }

  return {
    async use(checkpointId, work) {
      if (isClosed) throw new Error('the pool of models is closed');
      const entry = entries.get(checkpointId) ?? open(checkpointId);
      entries.delete(checkpointId);
      entries.set(checkpointId, entry);
      entry.users++;
      try {
        return await work(await entry.model);
      } finally {
        entry.users--;
        dropBeyond(budget());
      }
    },
    loaded: () => [...entries].filter(([, { isLoaded }]) => isLoaded).map(([checkpointId]) => checkpointId),
    async close() {
      isClosed = true;
      await loading;
      dropBeyond(budget());
    },
  };
}
