/** The models in memory: loaded when first asked for, one at a time, kept while in use, the longest unused dropped beyond a number. */
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

interface Entry {
  readonly model: Promise<TaggingModel>;
  isLoaded: boolean;
  users: number;
}

export function modelPool({ load, size }: { load: (checkpointId: string) => Promise<TaggingModel>; size: number }): ModelPool {
  /** In order of use, the latest last. */
  const entries = new Map<string, Entry>();
  let loading: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  const room = (): number => (isClosed ? 0 : size);

  /** Beyond `room` models, those that nobody uses go. */
  function dropBeyond(room: number): void {
    for (const [checkpointId, { model, users, isLoaded }] of entries) {
      if (entries.size <= room) return;
      if (users > 0 || !isLoaded) continue;
      entries.delete(checkpointId);
      void model.then((loaded) => loaded.dispose());
    }
  }

  function open(checkpointId: string): Entry {
    // room is made first: a model more in memory than allowed may be one too many
    dropBeyond(size - 1);
    const model = loading.then(() => load(checkpointId));
    loading = model.catch(() => undefined);
    const entry: Entry = { model, isLoaded: false, users: 0 };
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
        dropBeyond(room());
      }
    },
    loaded: () => [...entries].filter(([, { isLoaded }]) => isLoaded).map(([checkpointId]) => checkpointId),
    async close() {
      isClosed = true;
      await loading;
      dropBeyond(0);
    },
  };
}
