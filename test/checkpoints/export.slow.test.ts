/**
 * Exports in the libraries that they are for: the program of each model card is run, and must give what our own engine gives.
 * onnxruntime comes from pinned wheels. transformers needs PyTorch, which is too large to fetch for a test: PEER_PYTHON names a Python that has both.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { before, describe, test, type TestContext } from 'node:test';
import { openExport } from '../../src/checkpoints/export.ts';
import { loadCheckpoint, type LoadedCheckpoint } from '../../src/checkpoints/load.ts';
import type { Manifest } from '../../src/checkpoints/manifest.ts';
import { onnxModel } from '../../src/checkpoints/onnx.ts';
import { saveCheckpoint } from '../../src/checkpoints/save.ts';
import { openWeights } from '../../src/checkpoints/weights.ts';
import { writeFolder } from '../../src/cli/export/folder.ts';
import { random } from '../../src/corpora/random.ts';
import type { InstalledEncoder } from '../../src/encoders/registry.ts';
import { loadTokenizer } from '../../src/encoders/tokenizer.ts';
import { EncoderWeights, tableOf, WORD_EMBEDDINGS } from '../../src/encoders/weights.ts';
import { loadEvaluator, loadRecognizer } from '../../src/inference/load.ts';
import { functionName, predictor, type Predicted } from '../../src/inference/predictor.ts';
import { noDropout } from '../../src/layers/dropout.ts';
import { maxSequence } from '../../src/models/config.ts';
import { encodeInputs, encoderInputs, tagLogits } from '../../src/models/outputs.ts';
import type { ExportFormat } from '../../src/schemas/checkpoint.ts';
import { decode } from '../../src/scoring/viterbi.ts';
import { loadBackend } from '../../src/tensor/backend.ts';
import { compile } from '../../src/tensor/compile.ts';
import type { NamedTensor, NamedTensors } from '../../src/tensor/safetensors.ts';
import { segmentWords } from '../../src/text/words.ts';
import { resolveOptions } from '../../src/training/options.ts';
import { installPins } from '../python.ts';
import { wildText } from '../text/wild-text.ts';
import { manifestOf, partsOf, setUp, TAGS } from './world.ts';

const PINS = new URL('./fixtures/onnxruntime.txt', import.meta.url);
const DRIVER = new URL('./fixtures/run-card.py', import.meta.url).pathname;
const TOLERANCE = 1e-4;
/** Of logits up to 8, with int8 weights: 0.08 to 0.15 were measured. */
const INT8_TOLERANCE = 0.3;
/** A tag that leads by more stays the best one with int8 weights: 0.03 to 0.09 were measured of those that did not. */
const NEAR_TIE = 0.2;
const SENTENCES = 60;
const peerPython = process.env['PEER_PYTHON'];

interface Answer {
  readonly outputs: number[][][];
  readonly tags?: string[][];
  readonly similarities?: number[];
  readonly padded?: number;
  readonly tokenized?: boolean;
}

interface Expected {
  /** `[words, outputs]` of each sentence. */
  readonly outputs: readonly Float32Array[];
  readonly tags?: string[][];
  readonly similarities?: number[];
}

const cases: [fixture: string, change: Partial<Manifest>, trained: readonly string[]][] = [
  ['tiny-bert', { wordPiece: 'first' }, []],
  ['tiny-xlm-roberta', { kind: 'student', wordPiece: 'firstNotBare' }, [WORD_EMBEDDINGS]],
  ['tiny-distilbert', { wordPiece: 'firstNotBare', options: resolveOptions('recognizer', { decoding: 'argmax' }) }, []],
  ['tiny-bert', { kind: 'evaluator', labels: [], tags: [], options: resolveOptions('evaluator', { similarityTemperature: 0.25 }) }, []],
];

before(() => loadBackend({ device: 'cpu' }));

for (const format of ['onnx', 'hf'] as const) {
  const isSkipped = format === 'hf' && peerPython === undefined && 'set PEER_PYTHON to a Python that has torch and transformers';
  describe(format === 'onnx' ? 'onnxruntime gives what our engine gives' : 'transformers gives what our engine gives', { skip: isSkipped }, () => {
    for (const [fixture, change, trained] of cases) {
      test(`${change.kind ?? 'recognizer'} on ${fixture}`, async (t) => {
        const { storage, encoder, directory } = await setUp(t, fixture);
        const hasHead = change.tags === undefined;
        const saved = await saveCheckpoint(storage, { manifest: { ...manifestOf(encoder), ...change }, tensors: trainedAnew(encoder, { hasHead, trained }) });
        const folder = join(directory, format);
        const opened = await openExport(storage, partsOf(encoder, saved), format);
        t.after(() => opened.close());
        await writeFolder(folder, opened.files, { signal: t.signal, onBytes: () => undefined });
        const checkpoint = await loadCheckpoint(storage, saved);
        const { sentences, expected } = await ours({ encoder, checkpoint });
        assert.ok(sentences.length > SENTENCES / 2);
        const answer = await ask(t, { format, folder, sentences, padId: (await loadTokenizer(encoder.directory)).padId });
        const worst = largestDifference(answer.outputs, expected.outputs);
        t.diagnostic(`${sentences.length} sentences: largest difference ${worst.toExponential(1)}${answer.padded === undefined ? '' : `, of a padded batch ${answer.padded.toExponential(1)}`}`);
        assert.ok(worst <= TOLERANCE, `largest difference ${worst}`);
        assert.deepEqual(answer.tags, expected.tags);
        if (expected.tags !== undefined) assert.ok(new Set(expected.tags.flat()).size === TAGS.length, 'every tag is given somewhere');
        for (const [index, similarity] of (expected.similarities ?? []).entries()) assert.ok(Math.abs(similarity - (answer.similarities?.[index] ?? NaN)) <= TOLERANCE);
        if (format === 'onnx') assert.ok((answer.padded ?? NaN) <= TOLERANCE, `padded: ${answer.padded}`);
        else assert.equal(answer.tokenized, true);
      });
    }
  });
}

describe('onnxruntime gives with int8 weights what it gives with float32 ones, but for near ties', () => {
  for (const [fixture, change, trained] of cases.filter(([, { tags }]) => tags === undefined)) {
    test(fixture, async (t) => {
      const { storage, encoder, directory } = await setUp(t, fixture);
      const saved = await saveCheckpoint(storage, { manifest: { ...manifestOf(encoder), ...change }, tensors: trainedAnew(encoder, { hasHead: true, trained }) });
      const generator = random(11);
      const sentences = Array.from({ length: SENTENCES }, () => segmentWords(wildText(generator, 6)).map(({ word }) => word)).filter(({ length }) => length > 0);
      const padId = (await loadTokenizer(encoder.directory)).padId;
      const answers: Answer[] = [];
      for (const format of ['onnx', 'onnx-int8'] as const) {
        const opened = await openExport(storage, partsOf(encoder, saved), format);
        t.after(() => opened.close());
        await writeFolder(join(directory, format), opened.files, { signal: t.signal, onBytes: () => undefined });
        answers.push(await ask(t, { format, folder: join(directory, format), sentences, padId }));
      }
      const [float = assert.fail(), int8 = assert.fail()] = answers;
      const words = float.outputs.flatMap((rows, sentence) => rows.map((row, word) => ({ margin: marginOf(row), isSame: best(row) === best(int8.outputs[sentence]?.[word] ?? []) })));
      const worst = largestDifference(int8.outputs, float.outputs.map((rows) => Float32Array.from(rows.flat())));
      const others = words.filter(({ isSame }) => !isSame);
      t.diagnostic(`${words.length} words, ${others.length} with another best tag, which led by ${Math.max(0, ...others.map(({ margin }) => margin)).toFixed(3)} at most; largest difference ${worst.toFixed(3)}, of a padded batch ${int8.padded?.toFixed(3)}, of ${Math.max(...float.outputs.flat(2).map(Math.abs)).toFixed(1)}`);
      assert.ok(worst > 0, 'it is not the float32 model');
      assert.ok(worst <= INT8_TOLERANCE && (int8.padded ?? NaN) <= INT8_TOLERANCE);
      assert.deepEqual(others.filter(({ margin }) => margin > NEAR_TIE), []);
      assert.ok(words.filter(({ margin }) => margin > NEAR_TIE).length > 0.8 * words.length, 'most words are no near ties');
      const tags = [float.tags, int8.tags].map((each) => each?.flat() ?? assert.fail());
      assert.ok(new Set(tags[1]).size === TAGS.length, 'every tag is given somewhere');
      assert.ok((tags[0]?.filter((tag, at) => tag !== tags[1]?.[at]).length ?? NaN) <= 0.05 * words.length);
    });
  }
});

test('onnxruntime reads weights from a second file', async (t) => {
  const { storage, encoder, directory } = await setUp(t);
  const tensors = trainedAnew(encoder, { hasHead: true, trained: [] });
  const saved = await saveCheckpoint(storage, { manifest: manifestOf(encoder), tensors });
  const opened = await openExport(storage, partsOf(encoder, saved), 'onnx');
  const weights = openWeights(encoder, saved.manifest, tensors);
  t.after(() => {
    opened.close();
    weights.close();
  });
  const answers: Answer[] = [];
  const sentences = [['Ana', 'lives', 'in', 'Berlin']];
  for (const [name, files] of Object.entries({ one: opened.files, two: [...opened.files.slice(0, -1), ...onnxModel(saved.manifest, weights.all, { precision: 'float32', maxInlineBytes: 0 })] })) {
    await writeFolder(join(directory, name), files, { signal: t.signal, onBytes: () => undefined });
    answers.push(await ask(t, { format: 'onnx', folder: join(directory, name), sentences, padId: 0 }));
  }
  assert.deepEqual(answers[1], answers[0]);
});

/** Random, so that all tags are given; a bias of a layer stands for what training changed. */
function trainedAnew(encoder: InstalledEncoder, { hasHead, trained }: { hasHead: boolean; trained: readonly string[] }): NamedTensors {
  const generator = random(7);
  const { hiddenSize } = encoder.config;
  const drawn = (...shape: number[]): NamedTensor => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * generator.next() - 1) });
  const weights = new EncoderWeights(encoder);
  try {
    const own = Object.entries(weights.load(trained)).map(([name, { shape, data }]) => [name, { shape, data: data.map((value) => value + 0.1 * generator.next()) }] as const);
    const head = hasHead ? { 'head.weight': drawn(TAGS.length, hiddenSize), 'head.bias': drawn(TAGS.length) } : {};
    return { ...head, 'layers.0.query.bias': drawn(hiddenSize), ...Object.fromEntries(own) };
  } finally {
    weights.close();
  }
}

async function ours({ encoder, checkpoint }: { encoder: InstalledEncoder; checkpoint: LoadedCheckpoint }): Promise<{ sentences: string[][]; expected: Expected }> {
  const generator = random(11);
  const drawn = Array.from({ length: SENTENCES }, () => segmentWords(wildText(generator, 12)).map(({ word }) => word)).filter(({ length }) => length > 0);
  const predicted = await rawOutputs({ encoder, checkpoint }, drawn);
  const short = drawn.map((words, index) => ({ words, ...predicted[index] })).filter(({ windows }) => windows === 1);
  const sentences = short.map(({ words }) => words);
  const outputs = short.map(({ vectors }) => vectors ?? assert.fail());
  if (checkpoint.manifest.labels.length === 0) {
    const evaluator = await loadEvaluator({ encoder, checkpoint });
    const pairs = sentences.map((tokens) => ({ left: { tokens, word: 0 }, right: { tokens, word: tokens.length - 1 } }));
    const similarities = [...(await evaluator.similarity(pairs))];
    evaluator.dispose();
    return { sentences, expected: { outputs, similarities } };
  }
  const recognizer = await loadRecognizer({ encoder, checkpoint });
  const recognized = await recognizer.recognize(sentences);
  recognizer.dispose();
  const tags = recognized.map(({ probs }) => decode(probs, recognizer.labels, checkpoint.manifest.options.decoding));
  return { sentences, expected: { outputs, tags } };
}

/** Logits, or vectors where there is no head, under the name `vectors`. */
async function rawOutputs({ encoder, checkpoint: { manifest, tensors } }: { encoder: InstalledEncoder; checkpoint: LoadedCheckpoint }, sentences: string[][]): Promise<Predicted[]> {
  const { config } = encoder;
  const weights = new EncoderWeights(encoder);
  const { [WORD_EMBEDDINGS]: trainedWords, ...trained } = tensors;
  const maxPieces = Math.min(manifest.maxPieces, maxSequence(config));
  const shape = { rows: 4, length: maxPieces };
  const program = compile({
    variables: { ...weights.loadBody(), ...trained },
    functions: {
      [functionName(shape)]: {
        inputs: encoderInputs(config, shape, false),
        run: (variables, inputs) => {
          const vectors = encodeInputs(config, variables, inputs, noDropout);
          return { vectors: manifest.labels.length === 0 ? vectors : tagLogits(variables, vectors, noDropout) };
        },
      },
    },
    precision: 'float32',
  });
  try {
    const words = trainedWords === undefined ? weights.wordTable() : tableOf(trainedWords);
    const tokenizer = await loadTokenizer(encoder.directory);
    return await predictor({ program, shapes: [shape], config, tokenizer, words, window: { maxPieces, wordPiece: manifest.wordPiece } }).predict(sentences);
  } finally {
    program.dispose();
    weights.close();
  }
}

async function ask(t: TestContext, { format, folder, ...question }: { format: ExportFormat; folder: string; sentences: string[][]; padId: number }): Promise<Answer> {
  const [python, args] = format === 'hf' ? [peerPython ?? assert.fail(), [DRIVER, folder]] : ['python3', ['-I', '-S', DRIVER, folder, await installPins(PINS)]];
  // sentences come one by one: threads would only wait for each other
  const child = spawn(python, args, { env: { ...process.env, OMP_NUM_THREADS: '1' }, stdio: ['pipe', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  child.stdin.end(JSON.stringify(question));
  const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.ok(said.startsWith('{'), complained);
  return JSON.parse(said) as Answer;
}

/** By how much the best output leads. */
function marginOf(row: readonly number[]): number {
  const [first = NaN, second = NaN] = row.toSorted((a, b) => b - a);
  return first - second;
}

function best(row: readonly number[]): number {
  return row.indexOf(Math.max(...row));
}

function largestDifference(found: readonly number[][][], expected: readonly Float32Array[]): number {
  assert.deepEqual(found.map((rows) => rows.flat().length), expected.map(({ length }) => length));
  return Math.max(...found.map((rows, sentence) => Math.max(...rows.flat().map((value, at) => Math.abs(value - (expected[sentence]?.[at] ?? NaN))))));
}
