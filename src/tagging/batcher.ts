/**
 * Sentences of many requests in one call of the model. While a batch is computed requests gather; each gets its turn, so that a long list
 * delays a short one by a batch at most.
 */
import type { Recognized, Recognizer } from '../inference/recognizer.ts';

export interface Batcher {
  /** Results in the order of the sentences. @throws the signal's reason once it is aborted */
  recognize(recognizer: Recognizer, sentences: readonly (readonly string[])[], options?: { signal?: AbortSignal }): Promise<Recognized[]>;
}

/** About what one call of the largest compiled shape holds. */
const BATCH_WORDS = 768;

interface Job {
  readonly recognizer: Recognizer;
  readonly sentences: readonly (readonly string[])[];
  readonly results: Recognized[];
  readonly signal: AbortSignal | undefined;
  readonly resolve: (results: Recognized[]) => void;
  readonly reject: (error: unknown) => void;
}

export function batcher(): Batcher {
  let queue: Job[] = [];
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    while (queue.length > 0) {
      const [first] = queue;
      const turn = queue.filter(({ recognizer }) => recognizer === first?.recognizer);
      const batch = fill(turn);
      const drawn = new Set(batch.map(({ job }) => job));
      try {
        const sentences = batch.map(({ job, index }) => job.sentences[index] ?? []);
        const signal = drawn.size === 1 ? first?.signal : undefined;
        const results = await (first as Job).recognizer.recognize(sentences, signal === undefined ? {} : { signal });
        batch.forEach(({ job, index }, position) => (job.results[index] = results[position] as Recognized));
      } catch (error) {
        for (const job of drawn) job.reject(error);
        queue = queue.filter((job) => !drawn.has(job));
      }
      const isDone = (job: Job): boolean => job.results.length === job.sentences.length;
      for (const job of drawn) if (isDone(job)) job.resolve(job.results);
      const left = queue.filter((job) => !isDone(job));
      // who had a turn goes behind those who had none
      queue = [...left.filter((job) => !drawn.has(job)), ...left.filter((job) => drawn.has(job))];
      // a batch holds the thread: first let answers out and requests in
      await new Promise(setImmediate);
    }
    isRunning = false;
  }

  return {
    recognize(recognizer, sentences, { signal } = {}) {
      if (sentences.length === 0) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const job: Job = { recognizer, sentences, results: [], signal, resolve, reject };
        signal?.addEventListener('abort', () => {
          queue = queue.filter((other) => other !== job);
          reject(signal.reason as Error);
        });
        queue.push(job);
        if (!isRunning) void run();
      });
    },
  };
}

/** A sentence of each job in turn, until the batch is full; at least one. */
function fill(jobs: readonly Job[]): { job: Job; index: number }[] {
  const batch: { job: Job; index: number }[] = [];
  const next = new Map(jobs.map((job) => [job, job.results.length]));
  let words = 0;
  while (next.size > 0) {
    for (const [job, index] of next) {
      const size = job.sentences[index]?.length ?? 0;
      if (batch.length > 0 && words + size > BATCH_WORDS) return batch;
      batch.push({ job, index });
      words += size;
      if (index + 1 < job.sentences.length) next.set(job, index + 1);
      else next.delete(job);
    }
  }
  return batch;
}
