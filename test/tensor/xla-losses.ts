/** A process of xla.test.ts, because libtensorflow reads its flags once: prints the losses of five steps as JSON. Argument: on or off. */
import { compile } from '../../src/tensor/compile.ts';
import { loadBackend, tf, type Tensor } from '../../src/tensor/backend.ts';
import { linear } from '../../src/tensor/ops.ts';
import type { TrainingSpec } from '../../src/tensor/program-spec.ts';
import { random } from '../../src/corpora/random.ts';

await loadBackend({ device: 'cpu', kernels: 'composed', xla: process.argv[2] === 'on' });
const [rows, width] = [32, 48];
const { next } = random(5);
const some = (...shape: number[]): { shape: number[]; data: Float32Array } => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next() - 0.5) });
const step: TrainingSpec = {
  inputs: { x: { shape: [rows, width], dtype: 'float32' } },
  run: ({ inner, outer }, { x }) => ({ loss: linear(tf.tanh(linear(x as Tensor, inner as Tensor).mul(2).add(0.1)), outer as Tensor).square().mean() }),
  optimizer: { clipNorm: 1, weightDecay: 0.01, hasDecay: () => true, isHead: () => false },
};
const variables = { inner: some(width, width), outer: some(width, width) };
const program = compile({ variables, trained: new Set(Object.keys(variables)), functions: { step }, precision: 'float32' });
const x = some(rows, width).data;
const losses = [1, 2, 3, 4, 5].map((count) => program.call('step', { x }, { step: count, learningRate: 1e-2, headLearningRate: 1e-2 })['loss']?.[0]);
program.dispose();
process.stdout.write(JSON.stringify(losses));
