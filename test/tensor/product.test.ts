/** Our products of bfloat16 matrices against products of the rounded values in double precision. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { nativeProduct, loadBackend, tf } from '../../src/tensor/backend.ts';
import { compile } from '../../src/tensor/compile.ts';
import { addBias, product } from '../../src/tensor/ops.ts';
import { programGraph } from '../../src/tensor/program-graph.ts';
import type { ProgramSpec } from '../../src/tensor/program-spec.ts';

before(() => loadBackend({ device: 'cpu' }));

const generator = random(5);
/** Values that bfloat16 holds exactly: the sums of products are then exact, too. */
const values = (size: number): Float32Array => Float32Array.from({ length: size }, () => (generator.int(17) - 8) / 8);

const SHAPES = [[1, 1, 1], [3, 5, 7], [16, 16, 32], [17, 33, 31], [33, 40, 64], [200, 70, 96], [130, 9, 384], [9, 384, 130], [32, 384, 1536], [160, 161, 163], [512, 40, 64], [513, 33, 32]] as const;
for (const [m, n, depth] of SHAPES) {
  for (const [transposeA, transposeB] of [[false, true], [false, false], [true, false], [true, true]] as const) {
    test(`the product of ${m} x ${depth}${transposeA ? ' transposed' : ''} and ${depth} x ${n}${transposeB ? ' transposed' : ''} is right in every element`, () => {
      const [a, b] = [values(m * depth), values(depth * n)];
      const program = compile({
        variables: { b: { shape: transposeB ? [n, depth] : [depth, n], data: b } },
        functions: { multiply: { inputs: { a: { shape: transposeA ? [depth, m] : [m, depth], dtype: 'float32' } }, run: (weights, inputs) => ({ c: product(inputs['a']!, weights['b']!, { transposeA, transposeB }) }) } },
        precision: 'bfloat16',
      });
      const found = program.call('multiply', { a })['c']!;
      program.dispose();
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let k = 0; k < depth; k++) sum += (a[transposeA ? k * m + i : i * depth + k] as number) * (b[transposeB ? j * depth + k : k * n + j] as number);
          const distance = Math.abs((found[i * n + j] as number) - sum);
          assert.ok(distance <= Math.abs(sum) / 256, `[${i}, ${j}] is ${found[i * n + j]}, expected ${sum}`); // half a unit in the last place, and rounding of halves
        }
      }
    });
  }
}

test('a program without training keeps its weights as halves, and makes them anew when they are assigned', () => {
  const program = compile({
    variables: { w: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } },
    functions: { apply: { inputs: { x: { shape: [1, 2], dtype: 'float32' } }, run: ({ w }, { x }) => ({ y: product(x!, tf.concat([w!, w!], 0), { transposeB: true }), z: product(x!, w!) }) } },
    precision: 'bfloat16',
  });
  assert.deepEqual(program.call('apply', { x: Float32Array.of(1, 2) }), { y: Float32Array.of(5, 11, 5, 11), z: Float32Array.of(7, 10) });
  program.assign({ w: { shape: [2, 2], data: Float32Array.of(0, 1, 1, 0) } });
  assert.deepEqual(program.call('apply', { x: Float32Array.of(1, 2) }), { y: Float32Array.of(2, 1, 2, 1), z: Float32Array.of(2, 1) });
  program.dispose();
});

test('a frozen program computes the same, and can be neither read nor assigned', () => {
  const weights = { w: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } };
  for (const precision of ['float32', 'bfloat16'] as const) {
    const program = compile({ variables: weights, functions: { apply: { inputs: { x: { shape: [1, 2], dtype: 'float32' } }, run: ({ w }, { x }) => ({ y: product(x!, w!) }) } }, precision });
    program.freeze();
    assert.deepEqual(program.call('apply', { x: Float32Array.of(1, 2) }), { y: Float32Array.of(7, 10) });
    for (const misuse of [() => program.read(['w']), () => program.assign(weights), () => program.call('other', {})]) assert.throws(misuse, { code: 'PROGRAM_MISUSED' });
    program.dispose();
  }
});

test('so it does with biases that are joined, at either precision', () => {
  for (const precision of ['float32', 'bfloat16'] as const) {
    const spec: ProgramSpec = {
      variables: { b: { shape: [2], data: Float32Array.of(1, 2.001) }, c: { shape: [1], data: Float32Array.of(3) } },
      functions: { apply: { inputs: { x: { shape: [2, 3], dtype: 'float32' } }, run: ({ b, c }, { x }) => ({ y: addBias(x!, tf.concat([b!, c!], 0)) }) } },
      precision,
    };
    const program = compile(spec);
    const x = Float32Array.of(0, 0, 0, 10, 20, 30);
    assert.deepEqual(program.call('apply', { x }), { y: Float32Array.of(1, 2.001, 3, 11, 22.001, 33) });
    program.assign({ c: { shape: [1], data: Float32Array.of(4) } });
    assert.deepEqual(program.call('apply', { x }), { y: Float32Array.of(1, 2.001, 4, 11, 22.001, 34) });
    program.dispose();
    // a program that trains reads what is there now
    const isKept = (trained: string[]): boolean => programGraph({ ...spec, trained: new Set(trained) }).layout.initialized !== null;
    assert.deepEqual([isKept([]), isKept(['b'])], [true, false]);
  }
});

test('the fastest that the processor has for bfloat16 is used', async () => {
  const features = await readFile('/proc/cpuinfo', 'utf8');
  assert.equal(nativeProduct(), /amx_bf16/.test(features) ? 'tiles' : /avx512_bf16/.test(features) ? 'vectors' : '');
});
