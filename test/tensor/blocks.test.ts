/** Transformer blocks as one kernel against the same kernels one by one. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import type { Dropout } from '../../src/layers/dropout.ts';
import { transformerBlock, type BlockWeights } from '../../src/layers/transformer.ts';
import { loadBackend, nativeProduct, tf, type Scalar } from '../../src/tensor/backend.ts';
import { compile } from '../../src/tensor/compile.ts';
import type { Precision } from '../../src/tensor/emit.ts';
import { programGraph } from '../../src/tensor/program-graph.ts';
import type { FunctionSpec, ProgramSpec, Tensors } from '../../src/tensor/program-spec.ts';

before(() => loadBackend({ device: 'cpu' }));

const HIDDEN = 48;
const WIDE = 80;
const ROWS = 3;
const LENGTH = 21;
const PARTS = { query: [HIDDEN, HIDDEN], key: [HIDDEN, HIDDEN], value: [HIDDEN, HIDDEN], output: [HIDDEN, HIDDEN], up: [WIDE, HIDDEN], down: [HIDDEN, WIDE] } as const;

const generator = random(11);
const values = (size: number): Float32Array => Float32Array.from({ length: size }, () => generator.next() - 0.5);

const variables = Object.fromEntries([
  ...Object.entries(PARTS).flatMap(([part, [out, depth]]) => [[`${part}.weight`, [out, depth]], [`${part}.bias`, [out]]] as const),
  ...['attentionNorm', 'outputNorm'].flatMap((part) => [[`${part}.scale`, [HIDDEN]], [`${part}.shift`, [HIDDEN]]] as const),
].map(([name, shape]) => [name, { shape, data: values(shape.reduce((a, b) => a * b, 1)) }]));
const inputs = { x: values(ROWS * LENGTH * HIDDEN), segments: Int32Array.from({ length: ROWS * LENGTH }, (_, index) => (index % LENGTH < 15 ? 1 + Math.floor((index % LENGTH) / 6) : 0)) };

/** What `rate` 0 computes, since no mask is as small; but dropout all the same, which a block as one kernel has not. */
const ALMOST_NONE = 1e-12;
const dropping = (rate: number): Dropout => () => ({ rate, seed: tf.scalar(0, 'int32'), site: 0 });

function weightsOf(tensors: Tensors): BlockWeights {
  const at = (name: string) => tensors[name] ?? assert.fail(name);
  const linear = (part: string) => ({ weight: at(`${part}.weight`), bias: at(`${part}.bias`) });
  const norm = (part: string) => ({ scale: at(`${part}.scale`), shift: at(`${part}.shift`) });
  return { query: linear('query'), key: linear('key'), value: linear('value'), output: linear('output'), attentionNorm: norm('attentionNorm'), up: linear('up'), down: linear('down'), outputNorm: norm('outputNorm') };
}

/** Two blocks, one behind the other, of the same weights. */
function blocks(rate: number, segments: readonly [number, number] = [ROWS, LENGTH]): FunctionSpec {
  return {
    inputs: { x: { shape: [ROWS * LENGTH, HIDDEN], dtype: 'float32' }, segments: { shape: segments, dtype: 'int32' } },
    run: (tensors, { x, segments }) => {
      const block = (from: typeof x) => transformerBlock(from!, weightsOf(tensors), segments!, { heads: 3, epsilon: 1e-12 }, dropping(rate));
      return { y: block(block(x)) };
    },
  };
}

const spec = (functions: ProgramSpec['functions'], precision: Precision = 'bfloat16', trained: string[] = []): ProgramSpec => ({ variables, functions, precision, trained: new Set(trained) });
/** How many nodes of the graph are of an op. */
const count = (of: ProgramSpec, op: string): number => programGraph(of).savedModel.toString('latin1').split(`\x12${String.fromCharCode(op.length)}${op}`).length - 1;
const whole = (blocks: number): number => (nativeProduct() === '' ? 0 : blocks);

test('a block of which nothing else is read is one kernel in bfloat16, and equal to the bit to its kernels one by one', () => {
  const functions = { fused: blocks(0), apart: blocks(ALMOST_NONE) };
  assert.equal(count(spec({ fused: functions.fused }), 'MtmtBlock'), whole(2));
  assert.equal(count(spec({ fused: functions.fused }), 'MtmtAttention'), 2 - whole(2));
  assert.equal(count(spec({ apart: functions.apart }), 'MtmtBlock'), 0);
  const program = compile(spec(functions));
  program.freeze();
  const { y } = program.call('fused', inputs);
  assert.ok(y!.some((value) => Math.abs(value) > 0.1));
  assert.deepEqual(y, program.call('apart', inputs)['y']);
  program.dispose();
});

test('weights that change are read anew with each call of a block', () => {
  const program = compile(spec({ fused: blocks(0), apart: blocks(ALMOST_NONE) }, 'bfloat16', ['up.weight']));
  const before = program.call('fused', inputs)['y'];
  program.assign({ 'up.weight': { shape: [WIDE, HIDDEN], data: values(WIDE * HIDDEN) }, 'query.bias': { shape: [HIDDEN], data: values(HIDDEN) } });
  const after = program.call('fused', inputs)['y'];
  assert.notDeepEqual(after, before);
  assert.deepEqual(after, program.call('apart', inputs)['y']);
  program.dispose();
});

test('float32 and what has gradients are computed kernel by kernel', () => {
  const { inputs, run } = blocks(0);
  const step = { inputs, run: (tensors: Tensors, of: Tensors) => ({ loss: run(tensors, of)['y']!.sum<Scalar>() }), optimizer: { clipNorm: 1, weightDecay: 0, hasDecay: () => false, isHead: () => false } };
  assert.equal(count(spec({ fused: blocks(0) }, 'float32'), 'MtmtBlock'), 0);
  const training = spec({ step }, 'bfloat16', Object.keys(variables));
  assert.equal(count(training, 'MtmtBlock'), 0);
  assert.equal(count(training, 'MtmtAttentionGrad'), 2);
});

test('a block refuses inputs that do not fit each other, with both sizes', () => {
  const program = compile(spec({ fused: blocks(0, [ROWS, LENGTH - 1]) }));
  if (nativeProduct() !== '') assert.throws(() => program.call('fused', { ...inputs, segments: inputs.segments.subarray(ROWS) }), new RegExp(`segments has ${ROWS * (LENGTH - 1)} elements, not ${ROWS * LENGTH}`));
  program.dispose();
});
