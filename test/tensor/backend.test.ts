import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { before, test } from 'node:test';
import { loadBackend } from '../../src/tensor/backend.ts';
import { compile } from '../../src/tensor/compile.ts';

before(() => loadBackend({ device: 'cpu' }));

test('one thread of TensorFlow starts the ops of graphs, for our kernels use the cores themselves', async () => {
  const program = compile({
    variables: { w: { shape: [2], data: Float32Array.of(2, 3) } },
    functions: { apply: { inputs: { x: { shape: [2], dtype: 'float32' } }, run: ({ w }, { x }) => ({ y: w!.mul(x!) }) } },
    precision: 'float32',
  });
  assert.deepEqual(program.call('apply', { x: Float32Array.of(1, 2) }), { y: Float32Array.of(2, 6) });
  const threads = await readdir('/proc/self/task');
  const names = await Promise.all(threads.map((thread) => readFile(`/proc/self/task/${thread}/comm`, 'utf8').catch(() => '')));
  assert.equal(names.filter((name) => name.startsWith('tf_Compute')).length, 2); // and one starts what is called op by op
  program.dispose();
});
