/** Pretrained weights of an installed encoder, read from its file as they are needed. */
import { join } from 'node:path';
import type { EncoderConfig } from '../models/config.ts';
import { encoderWeightNames, nameInFile } from '../models/names.ts';
import { SafetensorsFile, type NamedTensor, type NamedTensors } from '../tensor/safetensors.ts';
import type { InstalledEncoder } from './registry.ts';

export const WORD_EMBEDDINGS = 'embeddings.word';

/** Looks up word embeddings outside of the graph: a quarter of a million rows need then be neither in memory nor on the device. */
export interface WordTable {
  /** @returns `[pieces, hidden]` row-major */
  rows(pieces: Int32Array): Float32Array;
}

export class EncoderWeights {
  readonly config: EncoderConfig;
  readonly #file: SafetensorsFile;

  constructor(encoder: Pick<InstalledEncoder, 'directory' | 'config'>) {
    this.config = encoder.config;
    this.#file = new SafetensorsFile(join(encoder.directory, 'model.safetensors'));
  }

  /** Weights by our names; the values are read when they are asked for, so that they need not all be in memory at once. Not after `close`. */
  load(names: readonly string[]): NamedTensors {
    return Object.fromEntries(names.map((name) => [name, this.#file.lazily(this.#stored(name))]));
  }

  /** All but the word embeddings. */
  loadBody(): NamedTensors {
    return this.load(encoderWeightNames(this.config).filter((name) => name !== WORD_EMBEDDINGS));
  }

  /** Rows of the file. Not after `close`. */
  wordTable(): WordTable {
    return tableOfFile(this.#file, this.#stored(WORD_EMBEDDINGS));
  }

  close(): void {
    this.#file.close();
  }

  #stored(name: string): string {
    return nameInFile(this.#file, this.config.family, name);
  }
}

/** Rows of an open file, which are in memory once they are read, and for as long as the system has room. */
export function tableOfFile(file: SafetensorsFile, name: string): WordTable {
  const hidden = file.shape(name)[1] ?? 0;
  return { rows: (pieces) => stack(pieces, hidden, (piece) => file.row(name, piece)) };
}

/** A table in memory, for word embeddings that a run has trained. */
export function tableOf(tensor: NamedTensor): WordTable {
  const hidden = tensor.shape[1] ?? 0;
  return { rows: (pieces) => stack(pieces, hidden, (piece) => tensor.data.subarray(piece * hidden, (piece + 1) * hidden)) };
}

function stack(pieces: Int32Array, hidden: number, row: (piece: number) => Float32Array): Float32Array {
  const out = new Float32Array(pieces.length * hidden);
  pieces.forEach((piece, index) => out.set(row(piece), index * hidden));
  return out;
}
