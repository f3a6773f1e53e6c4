import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { loadBackend, nodeBackend, tf, type Tensor } from '../../src/tensor/backend.ts';
import { compile, type TrainingSpec } from '../../src/tensor/compile.ts';
import { rateFactor } from '../../src/training/schedule.ts';

before(() => loadBackend({ device: 'cpu' }));

interface Golden {
  start_a: number[][];
  start_b: number[];
  steps: { grad_a: number[][]; grad_b: number[]; norm: number; lr: number; a: number[][]; b: number[] }[];
}
const golden = JSON.parse(readFileSync(new URL('../fixtures/adamw.json', import.meta.url), 'utf8')) as Golden;

test('clipping, AdamW and the schedule equal PyTorch’s over twelve steps', () => {
  const shapes = { a: [4, 3], b: [3] };
  const step: TrainingSpec = {
    inputs: { gradientA: { shape: shapes.a, dtype: 'float32' }, gradientB: { shape: shapes.b, dtype: 'float32' } },
    // a loss whose gradient is the input
    run: ({ a, b }, { gradientA, gradientB }) => ({ loss: a!.mul(gradientA!).sum().add(b!.mul(gradientB!).sum()) }),
    optimizer: { clipNorm: 1, weightDecay: 0.01, hasDecay: (name) => name === 'a', isHead: () => false },
  };
  const variables = { a: { shape: shapes.a, data: Float32Array.from(golden.start_a.flat()) }, b: { shape: shapes.b, data: Float32Array.from(golden.start_b) } };
  const program = compile({ variables, trained: new Set(['a', 'b']), functions: { step }, precision: 'float32' });
  golden.steps.forEach((expected, index) => {
    const learningRate = 1e-2 * rateFactor(index, { kind: 'linear', steps: 12, warmupSteps: 3 });
    assert.ok(Math.abs(learningRate - expected.lr) < 1e-9, `step ${index}: rate ${learningRate}, expected ${expected.lr}`);
    const inputs = { gradientA: Float32Array.from(expected.grad_a.flat()), gradientB: Float32Array.from(expected.grad_b) };
    const { gradNorm } = program.call('step', inputs, { step: index + 1, learningRate, headLearningRate: learningRate });
    assertClose(gradNorm!, [expected.norm], 1e-5 * expected.norm);
    const { a, b } = program.read(['a', 'b']);
    assertClose(a!.data, expected.a.flat(), 1e-6);
    assertClose(b!.data, expected.b, 1e-6);
  });
  program.dispose();
});

test('a compiled function gives what the function gives, and calls leak no tensor', () => {
  const program = compile({
    variables: { w: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } },
    functions: { apply: { inputs: { x: { shape: [3, 2], dtype: 'float32' } }, run: ({ w }, { x }) => ({ y: tf.matMul(x as never, w as never).relu() }) } },
    precision: 'float32',
  });
  const x = Float32Array.of(1, 0, 0, 1, -1, 1);
  assert.deepEqual(program.call('apply', { x })['y'], Float32Array.of(1, 2, 3, 4, 2, 2));
  const before = { js: tf.memory().numTensors, native: nodeBackend().getNumOfTFTensors() };
  for (let i = 0; i < 5; i++) program.call('apply', { x });
  assert.deepEqual({ js: tf.memory().numTensors, native: nodeBackend().getNumOfTFTensors() }, before);
  program.dispose();
});

test('compiling leaks no tensor', () => {
  const build = () => compile({ variables: { w: { shape: [1], data: Float32Array.of(1) } }, functions: { f: { inputs: {}, run: ({ w }) => ({ y: w!.mul(2) }) } }, precision: 'float32' });
  build().dispose();
  const before = { js: tf.memory().numTensors, native: nodeBackend().getNumOfTFTensors() };
  build().dispose();
  assert.deepEqual({ js: tf.memory().numTensors, native: nodeBackend().getNumOfTFTensors() }, before);
});

test('a function that reads values in JavaScript is refused by the name of the op', () => {
  const spec = { inputs: {}, run: ({ w }: Record<string, Tensor>) => ({ y: w!.mul(w!.square().dataSync()[0] as number) }) };
  assert.throws(
    () => compile({ variables: { w: { shape: [1], data: Float32Array.of(1) } }, functions: { f: spec }, precision: 'float32' }),
    { code: 'STEP_NOT_RECORDABLE', message: /Square/ },
  );
});

test('big tensors of one value are filled in the graph, other big constants are refused', () => {
  const variables = { w: { shape: [2], data: Float32Array.of(3, 5) } };
  const size = 5000;
  const filled = compile({ variables, functions: { f: { inputs: {}, run: ({ w }) => ({ y: tf.ones([size, 2]).mul(w!).sum(0) }) } }, precision: 'float32' });
  assert.deepEqual(filled.call('f', {})['y'], Float32Array.of(3 * size, 5 * size));
  filled.dispose();
  const captured = Float32Array.from({ length: size }, (_, i) => i);
  assert.throws(() => compile({ variables, functions: { f: { inputs: {}, run: () => ({ y: tf.tensor1d(captured).sum() }) } }, precision: 'float32' }), {
    code: 'STEP_NOT_RECORDABLE',
    message: /5000 values made in JavaScript/,
  });
});

test('values of another shape are refused with both shapes', () => {
  const program = compile({ variables: { w: { shape: [2], data: Float32Array.of(1, 2) } }, functions: {}, precision: 'float32' });
  assert.throws(() => program.assign({ w: { shape: [3], data: Float32Array.of(1, 2, 3) } }), { code: 'SHAPE_MISMATCH', message: /3, expected 2/ });
  program.dispose();
});

function assertClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, index) => {
    const difference = Math.abs((actual[index] as number) - value);
    assert.ok(difference <= tolerance, `[${index}] is ${actual[index]}, expected ${value} within ${tolerance}`);
  });
}
