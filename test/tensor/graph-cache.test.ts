import assert from 'node:assert/strict';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { loadBackend, tf } from '../../src/tensor/backend.ts';
import { compile } from '../../src/tensor/compile.ts';
import { graphKey } from '../../src/tensor/graph-cache.ts';
import type { FunctionSpec, ProgramSpec, TrainingSpec } from '../../src/tensor/program-spec.ts';
import { testFolder } from '../helper.ts';

before(() => loadBackend({ device: 'cpu' }));

/** w x, or a step towards it. @param onRecord called whenever a function is recorded */
function specOf(directory: string, { onRecord = () => {}, factor = 1 }: { onRecord?: () => void; factor?: number } = {}): ProgramSpec {
  const apply: FunctionSpec = {
    inputs: { x: { shape: [2], dtype: 'float32' } },
    run: ({ w }, { x }) => {
      onRecord();
      return { y: w!.mul(x!).mul(tf.scalar(factor)) };
    },
  };
  const step: TrainingSpec = {
    inputs: { x: { shape: [2], dtype: 'float32' } },
    run: ({ w }, { x }) => ({ loss: w!.mul(x!).sum() }),
    optimizer: { clipNorm: 1, weightDecay: 0, hasDecay: () => false, isHead: () => false },
  };
  const variables = { w: { shape: [2], data: Float32Array.of(2, 3) } };
  return { variables, trained: new Set(['w']), functions: { apply, step }, precision: 'float32', cache: { directory, identity: { factor } } };
}

const rates = { step: 1, learningRate: 0.1, headLearningRate: 0.1 };

/** What a program of it computes, before and after a step. */
function results(spec: ProgramSpec): number[] {
  const program = compile(spec);
  const x = Float32Array.of(1, 10);
  const before = program.call('apply', { x })['y'] ?? [];
  const { loss = [], gradNorm = [] } = program.call('step', { x }, rates);
  const after = program.call('apply', { x })['y'] ?? [];
  program.dispose();
  return [...before, ...loss, ...gradNorm, ...after];
}

test('a second program of the same specification records nothing and computes the same', async (t) => {
  const directory = await testFolder(t);
  let recorded = 0;
  const first = results(specOf(directory, { onRecord: () => recorded++ }));
  assert.deepEqual(first.slice(0, 2), [2, 30]);
  assert.equal(recorded, 1);
  assert.deepEqual(results(specOf(directory, { onRecord: () => recorded++ })), first);
  assert.equal(recorded, 1);
  assert.deepEqual(results({ ...specOf(await testFolder(t)) }), first);
});

test('another identity has a graph of its own', async (t) => {
  const directory = await testFolder(t);
  assert.deepEqual(results(specOf(directory)).slice(0, 2), [2, 30]);
  assert.deepEqual(results(specOf(directory, { factor: 2 })).slice(0, 2), [4, 60]);
  assert.equal((await readdir(join(directory, 'graphs'))).length, 2);
});

test('whatever decides a graph decides its key', () => {
  const spec = specOf('unused');
  const { step, apply } = spec.functions as { step: TrainingSpec; apply: FunctionSpec };
  const optimizer = step.optimizer;
  const others: ProgramSpec[] = [
    { ...spec, precision: 'bfloat16' },
    { ...spec, trained: new Set() },
    { ...spec, variables: { w: { shape: [2, 1], data: Float32Array.of(2, 3) } } },
    { ...spec, functions: { step } },
    { ...spec, functions: { apply: { ...apply, inputs: { x: { shape: [1], dtype: 'float32' } } }, step } },
    { ...spec, functions: { apply, step: { ...step, accumulates: true } } },
    { ...spec, functions: { apply, step: { ...step, optimizer: { ...optimizer, clipNorm: 2 } } } },
    { ...spec, functions: { apply, step: { ...step, optimizer: { ...optimizer, hasDecay: () => true } } } },
    { ...spec, functions: { apply, step: { ...step, optimizer: { ...optimizer, rateFactor: () => 0.5 } } } },
  ];
  const keys = [graphKey(spec, {}), graphKey(spec, { factor: 1 }), ...others.map((other) => graphKey(other, {}))];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(graphKey(specOf('elsewhere'), {}), keys[0]);
});

test('a damaged graph is made again', async (t) => {
  const directory = await testFolder(t);
  const expected = results(specOf(directory));
  const [name = assert.fail()] = await readdir(join(directory, 'graphs'));
  const graph = join(directory, 'graphs', name, 'saved_model.pb');
  const whole = await readFile(graph);
  await truncate(graph, whole.length - 7);
  assert.deepEqual(results(specOf(directory)), expected);
  assert.equal((await readFile(graph)).length, whole.length);
});

test('a cache that cannot be written costs nothing but time', async (t) => {
  const directory = join(await testFolder(t), 'file');
  await writeFile(directory, '');
  assert.deepEqual(results(specOf(directory)).slice(0, 2), [2, 30]);
});
