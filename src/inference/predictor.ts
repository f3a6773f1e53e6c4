/** Runs a compiled encoder over sentences of any length and gathers what it computes for each word. */
import { cutWindows, layOut, packWindows, type PackedBatch, type RowShape, type Window, type WindowOptions } from '../encoders/pack.ts';
import type { PieceTokenizer } from '../encoders/tokenizer.ts';
import type { WordTable } from '../encoders/weights.ts';
import type { EncoderConfig } from '../models/config.ts';
import type { Program, Values } from '../tensor/program.ts';

/** Results of one sentence; `[words, width]` row-major each, present if the program computes them. */
export interface Predicted {
  readonly probs?: Float32Array;
  readonly vectors?: Float32Array;
  readonly pieces: number;
  readonly windows: number;
}

export interface PredictorSpec {
  readonly program: Program;
  /** Shapes that the program has a function for, named by `functionName`. */
  readonly shapes: readonly RowShape[];
  readonly config: EncoderConfig;
  readonly tokenizer: PieceTokenizer;
  /** Null where the program holds the word embeddings in a variable. */
  readonly words: WordTable | null;
  readonly window: WindowOptions;
}

export interface Predictor {
  /** Calls `onBatch` with the share done, and lets other work of the process go on, between batches. */
  predict(sentences: readonly (readonly string[])[], options?: { signal?: AbortSignal; onBatch?: (done: number, of: number) => void }): Promise<Predicted[]>;
}

/** What a call costs beside its pieces, in pieces: between a CPU's (about 30) and a GPU's (hundreds). */
const CALL_PIECES = 64;

export function functionName({ rows, length }: RowShape): string {
  return `predict${rows}x${length}`;
}

export function predictor(spec: PredictorSpec): Predictor {
  const shapes = [...spec.shapes].sort((a, b) => a.rows * a.length - b.rows * b.length);
  const run = (batch: PackedBatch): Record<string, Float32Array> => spec.program.call(functionName(batch), batchInputs(batch, spec.words));
  return {
    async predict(sentences, { signal, onBatch } = {}) {
      const pieced = await spec.tokenizer.piecesOfAll(sentences);
      const cut = pieced.map((words, index) => cutWindows(index, words, spec.tokenizer, spec.window));
      const collected = sentences.map((words, index) => new Collector(words.length, pieced[index]?.ids.length ?? 0, cut[index]?.length ?? 0));
      const batches = planBatches(cut.flat(), shapes);
      for (const [index, { rows, shape }] of batches.entries()) {
        signal?.throwIfAborted();
        const batch = layOut(rows, shape, spec.config);
        const results = run(batch);
        for (const placed of batch.words) (collected[placed.sentence] as Collector).take(results, placed.word, placed.at, shape.rows * shape.length);
        onBatch?.(index + 1, batches.length);
        if (index + 1 < batches.length) await new Promise(setImmediate);
      }
      return collected.map((collector) => collector.result());
    },
  };
}

/** What a function that encodes is fed for a packed batch. */
export function batchInputs(batch: PackedBatch, words: WordTable | null): Values {
  const { positions, segments } = batch;
  return words === null ? { pieces: batch.pieces, positions, segments } : { wordVectors: words.rows(batch.pieces), positions, segments };
}

/**
 * Longest windows first, each batch in the shape that wastes least: five sentences are not computed in a shape for fifty because the next
 * smaller one holds only four.
 */
function planBatches(windows: Window[], shapes: readonly RowShape[]): { rows: Window[][]; shape: RowShape }[] {
  const left = windows.sort((a, b) => b.pieces.length - a.pieces.length);
  const batches: { rows: Window[][]; shape: RowShape }[] = [];
  for (let start = 0; start < left.length; ) {
    const longest = left[start]?.pieces.length ?? 0;
    const choices = shapes.filter(({ length }) => length >= longest).map((shape) => {
      const [rows = []] = packWindows(itemsFrom(left, start), shape);
      return { rows, shape, share: piecesOf(rows) / (shape.rows * shape.length + CALL_PIECES) };
    });
    if (choices.length === 0) throw new RangeError(`no shape holds a window of ${longest} pieces`);
    const chosen = choices.reduce((best, choice) => (choice.share > best.share ? choice : best));
    batches.push(chosen);
    start += chosen.rows.reduce((sum, row) => sum + row.length, 0);
  }
  return batches;
}

function* itemsFrom<T>(items: readonly T[], start: number): Generator<T> {
  for (let index = start; index < items.length; index++) yield items[index] as T;
}

function piecesOf(rows: readonly (readonly Window[])[]): number {
  return rows.flat().reduce((sum, { pieces }) => sum + pieces.length, 0);
}

class Collector {
  readonly #results: Record<string, Float32Array> = {};
  readonly #words: number;
  readonly #pieces: number;
  readonly #windows: number;

  constructor(words: number, pieces: number, windows: number) {
    this.#words = words;
    this.#pieces = pieces;
    this.#windows = windows;
  }

  take(results: Record<string, Float32Array>, word: number, at: number, positions: number): void {
    for (const [name, values] of Object.entries(results)) {
      const width = values.length / positions;
      const own = (this.#results[name] ??= new Float32Array(this.#words * width));
      own.set(values.subarray(at * width, (at + 1) * width), word * width);
    }
  }

  result(): Predicted {
    return { ...this.#results, pieces: this.#pieces, windows: this.#windows };
  }
}
