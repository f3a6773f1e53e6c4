/** Our kernels against TensorFlow's own ops: values and gradients, in float32 and in a bfloat16 graph, and their dropout. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { loadBackend, tf, type Scalar, type Tensor } from '../../src/tensor/backend.ts';
import { composed } from '../../src/tensor/composed.ts';
import { compile } from '../../src/tensor/compile.ts';
import type { TrainingSpec } from '../../src/tensor/program-spec.ts';
import type { DropoutSite, Kernels } from '../../src/tensor/kernels.ts';
import { native } from '../../src/tensor/native.ts';
import { linear } from '../../src/tensor/ops.ts';

before(async () => assert.equal((await loadBackend({ device: 'cpu' })).kernels, 'native'));

const generator = random(7);
function normal(...shape: number[]): Float32Array {
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * (generator.next() + generator.next() + generator.next()) - 3);
}
const tensor = (...shape: number[]): Tensor => tf.tensor(normal(...shape), shape);
const nothing = (): DropoutSite => ({ rate: 0, seed: tf.scalar(1, 'int32'), site: 0 });

/** Packed sequences of unlike lengths, padding behind. */
function segmentsOf(rows: number, length: number): Tensor {
  const values = Array.from({ length: rows }, (_, row) => Array.from({ length }, (_, at) => (at < length - row ? 1 + Math.floor(at / (5 + 9 * row)) : 0)));
  return tf.tensor2d(values, [rows, length], 'int32');
}

/** Values and gradients of one weighted sum, so that every gradient differs. */
function allOf(run: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[], weights: Tensor): Float32Array[] {
  const { value, grads } = tf.valueAndGrads((...args: Tensor[]) => run(...args).mul(weights).sum<Scalar>())([...inputs]);
  return [run(...inputs), value, ...grads].map((each) => each.dataSync() as Float32Array);
}

function assertSame(found: readonly Float32Array[], expected: readonly Float32Array[], tolerance: number): void {
  assert.equal(found.length, expected.length);
  for (const [which, values] of expected.entries()) {
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const own = found[which] ?? assert.fail();
    assert.equal(own.length, values.length);
    const worst = values.reduce((most, value, index) => Math.max(most, Math.abs(value - (own[index] as number))), 0);
    assert.ok(worst <= tolerance * scale, `number ${which}: ${worst} apart, of up to ${scale}`);
  }
}

for (const [rows, columns] of [[1, 16], [37, 48], [130, 384]] as const) {
  test(`norm and gelu of ${rows} x ${columns} equal TensorFlow's, gradients too`, () => {
    tf.tidy(() => {
      const inputs = [tensor(rows, columns), tensor(columns), tensor(rows, columns), tensor(columns), tensor(columns)];
      const weights = tensor(rows, columns);
      const norm = (kernels: Kernels) => (...args: Tensor[]) => {
        const [x, bias, residual, scale, shift] = args as [Tensor, Tensor, Tensor, Tensor, Tensor];
        return kernels.addNorm(x, bias, residual, { scale, shift, epsilon: 1e-12, drop: nothing() });
      };
      assertSame(allOf(norm(native), inputs, weights), allOf(norm(composed), inputs, weights), 2e-5);
      const gelu = (kernels: Kernels) => (...args: Tensor[]) => kernels.biasGelu(args[0] as Tensor, args[1] as Tensor);
      assertSame(allOf(gelu(native), inputs.slice(0, 2), weights), allOf(gelu(composed), inputs.slice(0, 2), weights), 1e-5);
    });
  });
}

for (const [rows, length, heads, width] of [[1, 1, 1, 16], [3, 23, 2, 8], [2, 64, 3, 32], [2, 100, 2, 26], [1, 160, 1, 64]] as const) {
  test(`attention of ${rows} x ${length} with ${heads} heads of ${width} equals TensorFlow's, gradients too`, () => {
    tf.tidy(() => {
      const hidden = heads * width;
      const inputs = [tensor(rows * length, 3 * hidden), tensor(3 * hidden)];
      const segments = segmentsOf(rows, length);
      const weights = tensor(rows * length, hidden);
      const attention = (kernels: Kernels) => (...args: Tensor[]) => kernels.attention(args[0] as Tensor, args[1] as Tensor, segments, { heads, drop: nothing() });
      assertSame(allOf(attention(native), inputs, weights), allOf(attention(composed), inputs, weights), 2e-5);
    });
  });
}

test('gelu is right in both tails, and what is not finite stays so', () => {
  tf.tidy(() => {
    const x = tf.tensor2d([-1e30, -90, -12, -5, -1e-30, 0, 1e-30, 5, 12, 90, 1e30, Infinity, NaN, -1, 1, 2], [1, 16]);
    const [own, reference] = [native, composed].map((kernels) => [...kernels.biasGelu(x, tf.zeros([16])).dataSync()]) as [number[], number[]];
    own.forEach((value, index) => {
      const expected = reference[index] as number;
      assert.ok(Object.is(value, expected) || Math.abs(value - expected) <= 1e-6 * Math.max(1, Math.abs(expected)), `gelu(${x.dataSync()[index]}) is ${value}, expected ${expected}`);
    });
  });
});

test('dropout drops its share, scales the rest, repeats itself, and its gradient has the same mask', () => {
  tf.tidy(() => {
    const x = tf.ones([1000, 64]);
    const site = (seed: number, at: number): DropoutSite => ({ rate: 0.1, seed: tf.scalar(seed, 'int32'), site: at });
    const mask = (drop: DropoutSite): number[] => [...native.dropout(x, drop).dataSync()].map((value) => (value === 0 ? 0 : 1));
    const first = [...native.dropout(x, site(3, 5)).dataSync()];
    assert.deepEqual(new Set(first), new Set([0, Math.fround(1 / Math.fround(0.9))]));
    const share = first.filter((value) => value === 0).length / first.length;
    assert.ok(Math.abs(share - 0.1) < 0.005, `${share} is dropped`); // 4 standard deviations
    const own = mask(site(3, 5));
    assert.deepEqual(mask(site(3, 5)), own);
    for (const other of [site(4, 5), site(3, 6)]) {
      const differing = mask(other).filter((bit, index) => bit !== own[index]).length / first.length;
      assert.ok(Math.abs(differing - 0.18) < 0.01, `masks differ in ${differing}, where independent ones differ in 0.18`);
    }
    assert.deepEqual([...tf.grad((x) => native.dropout(x, site(3, 5)))(x).dataSync()], first);
  });
});

test('dropout within norm and attention has gradients that finite differences confirm', () => {
  tf.tidy(() => {
    const drop: DropoutSite = { rate: 0.3, seed: tf.scalar(11, 'int32'), site: 2 };
    const [rows, length, heads, hidden] = [2, 12, 2, 32] as const;
    const weights = tensor(rows * length, hidden);
    const [bias, residual, scale, shift] = [tensor(hidden), tensor(rows * length, hidden), tensor(hidden), tensor(hidden)];
    const segments = segmentsOf(rows, length);
    const losses: [Tensor, (x: Tensor) => Tensor][] = [
      [tensor(rows * length, hidden), (x) => native.addNorm(x, bias, residual, { scale, shift, epsilon: 1e-5, drop }).mul(weights).sum()],
      [tensor(rows * length, 3 * hidden), (x) => native.attention(x, tf.zeros([3 * hidden]), segments, { heads, drop }).mul(weights).sum()],
    ];
    for (const [x, loss] of losses) {
      const gradient = tf.grad((at) => loss(at) as Scalar)(x).dataSync();
      for (const step of [0, 1, 2]) {
        const direction = tensor(...x.shape);
        const along = [...direction.dataSync()].reduce((sum, value, index) => sum + value * (gradient[index] as number), 0);
        const [ahead, behind] = [1e-3, -1e-3].map((by) => loss(x.add(direction.mul(by))).dataSync()[0] as number) as [number, number];
        const measured = (ahead - behind) / 2e-3;
        assert.ok(Math.abs(measured - along) < 0.02 * Math.max(1, Math.abs(along)), `direction ${step}: ${measured}, by the gradient ${along}`);
      }
    }
  });
});

/** A small block's step in both precisions, by our kernels and by TensorFlow's. */
function trained(kernels: Kernels, precision: 'float32' | 'bfloat16'): Float32Array[] {
  const [rows, length, hidden] = [2, 32, 32] as const;
  const own = random(3);
  const weights = (...shape: number[]): { shape: number[]; data: Float32Array } => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.3 * (own.next() - 0.5)) });
  const step: TrainingSpec = {
    inputs: { x: { shape: [rows * length, hidden], dtype: 'float32' }, segments: { shape: [rows, length], dtype: 'int32' } },
    run: (weights, { x, segments }) => {
      const { qkv, bias, out, scale, shift, zeros } = weights as Record<string, Tensor> & { qkv: Tensor; bias: Tensor; out: Tensor; scale: Tensor; shift: Tensor; zeros: Tensor };
      const mixed = kernels.attention(linear(x as Tensor, qkv), bias, segments as Tensor, { heads: 2, drop: nothing() });
      const y = kernels.addNorm(linear(mixed, out), zeros, x as Tensor, { scale, shift, epsilon: 1e-5, drop: nothing() });
      return { loss: kernels.biasGelu(linear(y, out), zeros).square().mean() };
    },
    optimizer: { clipNorm: 1, weightDecay: 0.01, hasDecay: (name) => name === 'qkv', isHead: () => false },
  };
  const variables = { qkv: weights(3 * hidden, hidden), bias: weights(3 * hidden), out: weights(hidden, hidden), scale: weights(hidden), shift: weights(hidden), zeros: weights(hidden) };
  const program = compile({ variables, trained: new Set(Object.keys(variables)), functions: { step }, precision });
  const x = Float32Array.from({ length: rows * length * hidden }, () => own.next() - 0.5);
  const segments = Int32Array.from({ length: rows * length }, (_, at) => 1 + Math.floor((at % length) / 20));
  const losses: number[] = [];
  for (let count = 1; count <= 5; count++) losses.push(program.call('step', { x, segments }, { step: count, learningRate: 1e-3, headLearningRate: 1e-3 })['loss']?.[0] ?? NaN);
  const after = program.read(Object.keys(variables));
  program.dispose();
  return [Float32Array.from(losses), ...Object.values(after).map(({ data }) => Float32Array.from(data))];
}

test('five steps by our kernels equal five by TensorFlow’s, and bfloat16 stays near float32', () => {
  const reference = trained(composed, 'float32');
  assertSame(trained(native, 'float32'), reference, 1e-5);
  assertSame(trained(native, 'bfloat16'), reference, 2e-2);
  assertSame(trained(composed, 'bfloat16'), reference, 2e-2);
});
