/** All weights of a checkpoint's model, the trained ones and the encoder's, one by one: together they need never be in memory. */
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { InstalledEncoder } from '../encoders/registry.ts';
import { encoderWeightNames, nameInFile } from '../models/names.ts';
import { SafetensorsFile, type NamedTensor, type NamedTensors } from '../tensor/safetensors.ts';
import type { Manifest } from './manifest.ts';

/** Rows converted at once: some 5 ms, so that other requests of the process are not kept waiting. */
const ROWS_AT_ONCE = 1024;

export interface ModelWeight {
  /** Ours. */
  readonly name: string;
  readonly shape: readonly number[];
  /** The float32 values, row-major; big tables come in parts of whole rows. */
  parts(): AsyncGenerator<Float32Array>;
}

export interface ModelWeights {
  readonly all: readonly ModelWeight[];
  close(): void;
}

/** @param trained the checkpoint's own, by our names @throws ENCODER_INVALID naming a weight that is not there */
export function openWeights(encoder: InstalledEncoder, manifest: Manifest, trained: NamedTensors): ModelWeights {
  const file = new SafetensorsFile(join(encoder.directory, 'model.safetensors'));
  const weightOf = (name: string): ModelWeight => {
    const own = trained[name];
    if (own !== undefined) return { name, shape: own.shape, parts: () => partsOf(own) };
    const stored = nameInFile(file, encoder.config.family, name);
    const shape = file.shape(stored);
    return { name, shape, parts: () => readInParts(file, stored, shape) };
  };
  try {
    return { all: [...new Set([...encoderWeightNames(encoder.config), ...manifest.tensors])].map(weightOf), close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

export function bytesOf(data: Float32Array | Int8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

async function* partsOf({ data, shape }: NamedTensor): AsyncGenerator<Float32Array> {
  const size = shape.length === 2 ? ROWS_AT_ONCE * (shape[1] ?? 1) : data.length;
  for (let begin = 0; begin < data.length; begin += size) {
    yield data.subarray(begin, begin + size);
    await breathe();
  }
}

async function* readInParts(file: SafetensorsFile, name: string, shape: readonly number[]): AsyncGenerator<Float32Array> {
  const [rows = 1, columns = 1] = shape;
  if (rows <= ROWS_AT_ONCE || shape.length !== 2) {
    yield file.tensor(name).data;
    await breathe();
    return;
  }
  for (let first = 0; first < rows; first += ROWS_AT_ONCE) {
    const here = Math.min(ROWS_AT_ONCE, rows - first);
    const part = new Float32Array(here * columns);
    for (let row = 0; row < here; row++) part.set(file.row(name, first + row), row * columns);
    yield part;
    await breathe();
  }
}
