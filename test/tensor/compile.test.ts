import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { loadBackend, nodeBackend, tf, type Tensor } from '../../src/tensor/backend.ts';
import { random } from '../../src/corpora/random.ts';
import { compile } from '../../src/tensor/compile.ts';
import type { TrainingSpec } from '../../src/tensor/program-spec.ts';
import type { Program, StepRates } from '../../src/tensor/program.ts';
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

/** A linear model of four inputs: enough to see every part of a step. */
function linearModel(options: { accumulates?: boolean; rateFactor?: (name: string) => number } = {}): Program {
  const step: TrainingSpec = {
    inputs: { x: { shape: [8, 4], dtype: 'float32' }, y: { shape: [8], dtype: 'float32' } },
    run: ({ w, b }, { x, y }) => ({ loss: tf.matMul(x as never, w as never).reshape([8]).add(b!).sub(y!).square().mean() }),
    optimizer: { clipNorm: 1, weightDecay: 0.01, hasDecay: (name) => name === 'w', isHead: () => false, ...(options.rateFactor && { rateFactor: options.rateFactor }) },
    ...(options.accumulates === true && { accumulates: true }),
  };
  const variables = { w: { shape: [4, 1], data: Float32Array.of(0.1, -0.2, 0.3, -0.4) }, b: { shape: [1], data: Float32Array.of(0.5) } };
  return compile({ variables, trained: new Set(['w', 'b']), functions: { step }, precision: 'float32' });
}

function batchOf(seed: number): { x: Float32Array; y: Float32Array } {
  const generator = random(seed);
  return { x: Float32Array.from({ length: 32 }, () => generator.next() - 0.5), y: Float32Array.from({ length: 8 }, () => generator.next()) };
}

const rates = (step: number, batches = 1): StepRates => ({ step, learningRate: 1e-2, headLearningRate: 1e-2, batches });

test('a step on accumulated gradients equals a step on their mean, and the next one starts from none', () => {
  const [once, three] = [linearModel(), linearModel({ accumulates: true })];
  for (const step of [1, 2]) {
    const batch = batchOf(step);
    const { gradNorm } = once.call('step', batch, rates(step));
    // the same batch three times: its mean is itself
    const losses = [three.accumulate('step', batch), three.accumulate('step', batch)];
    const accumulated = three.call('step', batch, rates(step, 3));
    assertClose(accumulated['gradNorm']!, [...gradNorm!], 1e-6);
    assertClose(losses, [accumulated['loss']![0]!, accumulated['loss']![0]!], 0);
    for (const name of ['w', 'b']) assertClose(three.read([name])[name]!.data, [...once.read([name])[name]!.data], 1e-6);
  }
  assert.throws(() => once.accumulate('step', batchOf(1)), { code: 'PROGRAM_MISUSED', message: /accumulates no gradients/ });
  once.dispose();
  three.dispose();
});

test('a variable’s rate factor scales its step and no other’s', () => {
  const [whole, halved] = [linearModel(), linearModel({ rateFactor: (name) => (name === 'b' ? 0.5 : 1) })];
  for (const program of [whole, halved]) program.call('step', batchOf(1), rates(1));
  const [a, b] = [whole.read(['w', 'b']), halved.read(['w', 'b'])];
  assert.deepEqual(b['w']!.data, a['w']!.data);
  assertClose([b['b']!.data[0]! - 0.5], [(a['b']!.data[0]! - 0.5) / 2], 1e-7);
  whole.dispose();
  halved.dispose();
});

test('a program that starts from another’s state goes on equal to the bit', () => {
  const [first, straight] = [linearModel(), linearModel()];
  for (let step = 1; step <= 6; step++) straight.call('step', batchOf(step), rates(step));
  for (let step = 1; step <= 3; step++) first.call('step', batchOf(step), rates(step));
  const resumed = linearModel();
  resumed.assign(first.read(first.state));
  for (let step = 4; step <= 6; step++) resumed.call('step', batchOf(step), rates(step));
  assert.deepEqual(resumed.read(resumed.state), straight.read(straight.state));
  for (const program of [first, straight, resumed]) program.dispose();
});

test('three hundred steps leak neither tensors nor memory', () => {
  const program = linearModel({ accumulates: true });
  const run = (steps: number): void => {
    for (let step = 1; step <= steps; step++) {
      program.accumulate('step', batchOf(step));
      program.call('step', batchOf(step), rates(step, 2));
    }
  };
  run(50);
  const before = { js: tf.memory().numTensors, native: nodeBackend().getNumOfTFTensors() };
  const bytes = process.memoryUsage().rss;
  run(300);
  assert.deepEqual({ js: tf.memory().numTensors, native: nodeBackend().getNumOfTFTensors() }, before);
  const grown = process.memoryUsage().rss - bytes;
  assert.ok(grown < 50e6, `the process grew by ${grown} bytes`);
  program.dispose();
});

test('an op whose result has no shape without values is refused by its name', () => {
  const variables = { w: { shape: [3], data: Float32Array.of(1, 0, 2) } };
  const functions = { f: { inputs: {}, run: ({ w }: Record<string, Tensor>) => ({ y: tf.unique(w as never).values }) } };
  assert.throws(() => compile({ variables, functions, precision: 'float32' }), { code: 'STEP_NOT_RECORDABLE', message: /Unique/ });
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

test('training changes no array that a variable was set from', () => {
  const size = 1 << 12;
  const step: TrainingSpec = {
    inputs: { x: { shape: [size], dtype: 'float32' } },
    run: ({ w }, { x }) => ({ loss: w!.mul(x!).sum() }),
    optimizer: { clipNorm: 1, weightDecay: 0.01, hasDecay: () => true, isHead: () => false },
  };
  const ones = (): Float32Array => new Float32Array(size).fill(1);
  // the addon shares the memory of arrays that happen to be aligned: one of these is
  const given = Array.from({ length: 32 }, ones);
  const program = compile({ variables: { w: { shape: [size], data: ones() } }, trained: new Set(['w']), functions: { step }, precision: 'float32' });
  for (const [index, data] of given.entries()) {
    program.assign({ w: { shape: [size], data } });
    program.call('step', { x: ones() }, rates(index + 1));
  }
  assert.notEqual(program.read(['w'])['w']!.data[0], 1);
  assert.deepEqual(given.map((data) => data.every((value) => value === 1)), given.map(() => true));
  program.dispose();
});

test('optimizer slots start at zero, each one its own', () => {
  const step: TrainingSpec = {
    inputs: { x: { shape: [3], dtype: 'float32' } },
    run: ({ a, b }, { x }) => ({ loss: a!.mul(x!).sum().add(b!.mul(x!).sum().mul(2)) }),
    optimizer: { clipNorm: 1e9, weightDecay: 0, hasDecay: () => false, isHead: () => false },
  };
  const zeros = { shape: [3], data: new Float32Array(3) };
  const program = compile({ variables: { a: zeros, b: zeros }, trained: new Set(['a', 'b']), functions: { step }, precision: 'float32' });
  const slots = program.state.filter((name) => name.startsWith('adam.'));
  assert.equal(slots.length, 4);
  for (const { data } of Object.values(program.read(slots))) assert.deepEqual([...data], [0, 0, 0]);
  program.call('step', { x: Float32Array.of(1, 2, 3) }, rates(1));
  assertClose(program.read(['adam.m/a'])['adam.m/a']!.data, [0.1, 0.2, 0.3], 1e-6);
  assertClose(program.read(['adam.m/b'])['adam.m/b']!.data, [0.2, 0.4, 0.6], 1e-6);
  program.dispose();
});

test('results of a step are those of the weights before it, even where no gradient needs them', () => {
  const size = 1 << 16;
  const step: TrainingSpec = {
    inputs: { x: { shape: [size], dtype: 'float32' } },
    run: ({ w }, { x }) => ({ loss: w!.mul(x!).sum(), squares: w!.square().sqrt().square().sum() }),
    optimizer: { clipNorm: 1e9, weightDecay: 0, hasDecay: () => false, isHead: () => false },
  };
  for (let round = 0; round < 10; round++) {
    const program = compile({ variables: { w: { shape: [size], data: new Float32Array(size).fill(1) } }, trained: new Set(['w']), functions: { step }, precision: 'float32' });
    const { loss, squares } = program.call('step', { x: new Float32Array(size).fill(1) }, { step: 1, learningRate: 0.5, headLearningRate: 0.5 });
    program.dispose();
    assert.deepEqual([loss![0], squares![0]], [size, size]);
  }
});
