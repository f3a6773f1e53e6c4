/** Computes what teachers say of a corpus once, and keeps it on disk in half precision for every student that comes after. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LoadedCheckpoint } from '../checkpoints/load.ts';
import type { Sentence } from '../corpora/corpus.ts';
import type { InstalledEncoder } from '../encoders/registry.ts';
import { cosine, similarityOf } from '../inference/evaluator.ts';
import { loadPredictor } from '../inference/load.ts';
import type { Precision } from '../tensor/emit.ts';
import { encodeHeader, SafetensorsFile, toHalves } from '../tensor/safetensors.ts';
import { agreed, type AgreementOptions } from './agreement.ts';
import type { TeacherOutputs } from './distillation.ts';
import type { TrainingReport } from './request.ts';

type Output = 'probs' | 'vectors';

const UNDECIDED = 0.5;

export interface TeachRequest {
  readonly encoder: InstalledEncoder;
  readonly recognizers: readonly LoadedCheckpoint[];
  /** None where the student reads no similarity: then every pair is undecided. */
  readonly evaluators: readonly LoadedCheckpoint[];
  readonly agreement: AgreementOptions;
  readonly sentences: readonly Sentence[];
  readonly precision: Precision;
  readonly cacheDir: string;
  readonly signal: AbortSignal;
}

export async function* teach(request: TeachRequest): AsyncGenerator<TrainingReport, TeacherOutputs> {
  const probs: Float32Array[] = [];
  for (const checkpoint of request.recognizers) probs.push(yield* outputsOf(checkpoint, 'probs', request));
  const vectors: { values: Float32Array; temperature: number }[] = [];
  for (const checkpoint of request.evaluators) vectors.push({ values: yield* outputsOf(checkpoint, 'vectors', request), temperature: checkpoint.manifest.options.similarityTemperature });
  const offsets = wordOffsets(request.sentences);
  const hidden = request.encoder.config.hiddenSize;
  const tags = request.recognizers[0]?.manifest.tags.length ?? 0;
  const soft = yield* softTags(request, meanOf(probs), vectors[0]?.values ?? new Float32Array(0));
  const vectorOf = (values: Float32Array, { sentence, word }: { sentence: number; word: number }): Float32Array => {
    const start = ((offsets[sentence] as number) + word) * hidden;
    return values.subarray(start, start + hidden);
  };
  return {
    probs: (sentence, word) => {
      const start = ((offsets[sentence] as number) + word) * tags;
      return soft.subarray(start, start + tags);
    },
    similarity: (left, right) => {
      if (vectors.length === 0) return UNDECIDED;
      let sum = 0;
      for (const { values, temperature } of vectors) sum += similarityOf(cosine(vectorOf(values, left), vectorOf(values, right)), temperature);
      return sum / vectors.length;
    },
  };
}

/** `[words, tags]`: what the recognizers say, in agreement with words that are alike where that has a share. */
async function* softTags({ recognizers, sentences, agreement, signal }: TeachRequest, probs: Float32Array, vectors: Float32Array): AsyncGenerator<TrainingReport, Float32Array> {
  if (agreement.formShare === 0 && agreement.neighbourShare === 0) return probs;
  const names = recognizers[0]?.manifest.tags ?? [];
  const comparing = agreed({ probs, tags: names.length, outside: names.indexOf('O'), forms: sentences.flatMap(({ tokens }) => tokens), vectors }, agreement);
  for (;;) {
    const { done, value } = comparing.next();
    if (done) return value;
    yield { type: 'phase', phase: 'teach', message: 'comparing words that are alike', ...value };
    await new Promise(setImmediate); // a request to cancel is read here
    signal.throwIfAborted();
  }
}

/** `[words, width]` of all sentences in order. */
async function* outputsOf(checkpoint: LoadedCheckpoint, output: Output, request: TeachRequest): AsyncGenerator<TrainingReport, Float32Array> {
  const path = join(request.cacheDir, 'teacher-outputs', `${outputKey(checkpoint, output, request)}.safetensors`);
  const { checkpointId } = checkpoint.manifest;
  if (existsSync(path)) {
    yield { type: 'phase', phase: 'teach', message: `${output} of ${checkpointId} are kept from an earlier run` };
    return readOutput(path);
  }
  const { predictor, dispose } = await loadPredictor({ encoder: request.encoder, checkpoint, precision: request.precision, cacheDir: request.cacheDir }, { hasHead: output === 'probs', hasVectors: output === 'vectors' });
  try {
    const rows: Float32Array[] = [];
    const chunk = 512;
    for (let start = 0; start < request.sentences.length; start += chunk) {
      yield { type: 'phase', phase: 'teach', message: `${output} of ${checkpointId}`, done: start, of: request.sentences.length };
      const sentences = request.sentences.slice(start, start + chunk).map(({ tokens }) => tokens);
      for (const predicted of await predictor.predict(sentences, { signal: request.signal })) rows.push(predicted[output] ?? new Float32Array(0));
    }
    await writeOutput(path, rows);
    return readOutput(path); // through half precision, so that a first and a later student see the same numbers
  } finally {
    dispose();
  }
}

function outputKey({ manifest }: LoadedCheckpoint, output: Output, { encoder, sentences, precision }: TeachRequest): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([manifest.weightsDigest, encoder.digest, manifest.maxPieces, manifest.wordPiece, output, precision]));
  for (const { tokens } of sentences) hash.update(JSON.stringify(tokens));
  return hash.digest('hex');
}

async function writeOutput(path: string, rows: readonly Float32Array[]): Promise<void> {
  const count = rows.reduce((sum, row) => sum + row.length, 0);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.write(encodeHeader({ values: { dtype: 'F16', shape: [count], data_offsets: [0, count * 2] } }));
    for (const row of rows) await file.write(Buffer.from(toHalves(row).buffer));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

function readOutput(path: string): Float32Array {
  const file = new SafetensorsFile(path);
  try {
    return file.tensor('values').data;
  } finally {
    file.close();
  }
}

function wordOffsets(sentences: readonly Sentence[]): Int32Array {
  const offsets = new Int32Array(sentences.length);
  let words = 0;
  sentences.forEach(({ tokens }, index) => {
    offsets[index] = words;
    words += tokens.length;
  });
  return offsets;
}

/** Element by element, of arrays of one length; empty where there is none. */
export function meanOf(arrays: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array(0), ...rest] = arrays;
  if (rest.length === 0) return first;
  return first.map((value, index) => rest.reduce((sum, other) => sum + (other[index] as number), value) / arrays.length);
}
