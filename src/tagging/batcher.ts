/**
 * Windows of many requests in one call of the model. Nothing is waited for: an idle tagger begins at once, and what comes while a batch is
 * computed gathers for the next one. Turns go by client, then by request, one window each, so that neither a long list nor a long document
 * keeps others waiting longer than the batch under way: 1,024 pieces, some 60 ms for e5-small on 16 cores and 0.3 s on two.
 */
import type { Recognized, Recognizer } from '../inference/recognizer.ts';
import { turnsOf, type Turns } from './turns.ts';

/** What is read in one piece. */
export interface Sequence {
  readonly words: readonly string[];
  /** Special ones included; at most a window's. */
  readonly pieces: number;
}

export interface BatchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whose turn it takes. */
  readonly client?: string | undefined;
}

export interface Batcher {
  /**
   * Results in the order of the sequences.
   * @throws the signal's reason once it is aborted and no batch under way reads of the model for it; what the model threw at these sequences, whoever shared their batch
   */
  recognize(recognizer: Recognizer, sequences: readonly Sequence[], options?: BatchOptions): Promise<Recognized[]>;
  /** Pieces not computed yet, and how long they take at the speed of the last batches (0 before the first). */
  waiting(): { pieces: number; seconds: number };
}

/** What one call of the largest compiled shape holds. */
export const BATCH_PIECES = 1024;
/** What older batches still count in the speed after each new one. */
const MEMORY = 0.9;

interface Job {
  readonly recognizer: Recognizer;
  readonly sequences: readonly Sequence[];
  readonly client: string;
  readonly results: Recognized[];
  /** Sequences that were put into a batch. */
  drawn: number;
  /** Whether the batch under way has some of them: until it is done, the model is in use. */
  isComputed: boolean;
  readonly signal: AbortSignal | undefined;
  /** Of sequences not computed. */
  pieces: number;
  readonly end: (error?: unknown) => void;
}

interface Drawn {
  readonly job: Job;
  readonly index: number;
  readonly sequence: Sequence;
}

export function batcher(): Batcher {
  const turns = turnsOf<Job>();
  const speed = { pieces: 0, ms: 0 };
  let waiting = 0;
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    for (let batch = draw(turns); batch.length > 0; batch = draw(turns)) {
      await compute(batch);
      // a batch holds the thread: first let answers out and requests in
      await new Promise(setImmediate);
    }
    isRunning = false;
  }

  async function compute(batch: readonly Drawn[]): Promise<void> {
    const jobs = [...new Set(batch.map(({ job }) => job))];
    const startedAt = performance.now();
    for (const job of jobs) job.isComputed = true;
    try {
      const results = await (jobs[0] as Job).recognizer.recognize(batch.map(({ sequence }) => sequence.words));
      speed.pieces = speed.pieces * MEMORY + sum(batch);
      speed.ms = speed.ms * MEMORY + performance.now() - startedAt;
      batch.forEach(({ job, index, sequence }, position) => {
        job.results[index] = results[position] as Recognized;
        count(job, -sequence.pieces);
      });
      for (const job of jobs) leave(job);
    } catch (error) {
      // one of them may be to blame: what it breaks is its own
      if (jobs.length === 1) jobs[0]?.end(error);
      else for (const job of jobs) await compute(batch.filter((drawn) => drawn.job === job));
    }
  }

  function leave(job: Job): void {
    job.isComputed = false;
    if (job.signal?.aborted === true) job.end(job.signal.reason);
    else if (job.results.length === job.sequences.length) job.end();
  }

  /** Nothing more of it is drawn or waited for. */
  function withdraw(job: Job): void {
    turns.remove(job);
    count(job, -job.pieces);
  }

  /** A job that has ended counts nothing any more, though its batch be computed still. */
  function count(job: Job, pieces: number): void {
    const change = Math.max(pieces, -job.pieces);
    job.pieces += change;
    waiting += change;
  }

  return {
    recognize(recognizer, sequences, { signal, client = '' } = {}) {
      if (sequences.length === 0) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        const abort = (): void => {
          if (job.isComputed) withdraw(job);
          else job.end(signal?.reason);
        };
        const job: Job = { recognizer, sequences, client, results: [], drawn: 0, isComputed: false, signal, pieces: 0, end };
        function end(error?: unknown): void {
          withdraw(job);
          signal?.removeEventListener('abort', abort);
          if (error === undefined) resolve(job.results);
          else reject(error instanceof Error ? error : new Error('the model failed', { cause: error }));
        }
        if (signal?.aborted) return abort();
        signal?.addEventListener('abort', abort);
        count(job, sum(sequences.map((sequence) => ({ sequence }))));
        turns.add(job);
        if (!isRunning) void run();
      });
    },
    waiting: () => ({ pieces: waiting, seconds: speed.ms === 0 ? 0 : (waiting * speed.ms) / speed.pieces / 1000 }),
  };
}

/** A sequence of each in turn, all for one model, until the batch is full; at least one. */
function draw(turns: Turns<Job>): Drawn[] {
  const batch: Drawn[] = [];
  for (;;) {
    const recognizer = batch[0]?.job.recognizer;
    const job = turns.next((other) => recognizer === undefined || other.recognizer === recognizer);
    const sequence = job?.sequences[job.drawn];
    if (job === undefined || sequence === undefined) return batch;
    if (batch.length > 0 && sum(batch) + sequence.pieces > BATCH_PIECES) return batch;
    batch.push({ job, index: job.drawn++, sequence });
    turns.pass(job);
    if (job.drawn === job.sequences.length) turns.remove(job);
  }
}

function sum(drawn: readonly { readonly sequence: Sequence }[]): number {
  return drawn.reduce((pieces, { sequence }) => pieces + sequence.pieces, 0);
}
