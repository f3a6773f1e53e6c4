/** What a process that loads and drops models holds in memory. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { memoryOf } from '../../src/cli/benchmark/serve/tagger-memory.ts';
import { giveBackMemory, loadBackend } from '../../src/tensor/backend.ts';
import { compile } from '../../src/tensor/compile.ts';
import { linear } from '../../src/tensor/ops.ts';
import type { Program } from '../../src/tensor/program.ts';

before(() => loadBackend({ device: 'cpu', returnsMemory: true }));

const COLUMNS = 8000;
const ROWS = 4000;
/** Of its weights as float32. */
const WEIGHT_BYTES = 4 * COLUMNS * ROWS;

test('A frozen program holds its weights as bfloat16 alone, and nothing once it is disposed of', () => {
  made().dispose(); // what is loaded with the first one stays
  const before = anonymousBytes();
  const program = made();
  program.freeze();
  const { y } = program.call('apply', { x: new Float32Array(COLUMNS).fill(1) });
  assert.ok(y?.every((value) => value === COLUMNS / 2));
  assertNear(anonymousBytes() - before, WEIGHT_BYTES / 2);
  program.dispose();
  assertNear(anonymousBytes() - before, 0);
});

test('What was read of libtensorflow to start it is given back, and comes back when it is needed', () => {
  giveBackMemory();
  const text = readFileSync('/proc/self/smaps', 'utf8');
  const held = [...text.matchAll(/^\S+ r.xp .*libtensorflow_cc\.so\.2\n(?:.*\n)*?Rss:\s+(\d+) kB/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
  assert.ok(held < 10_000, `${held} kB of its code are held`);
  const program = made();
  assert.equal(program.call('apply', { x: new Float32Array(COLUMNS).fill(2) })['y']?.[0], COLUMNS);
  program.dispose();
});

function made(): Program {
  const weight = {
    shape: [ROWS, COLUMNS],
    get data() {
      return new Float32Array(ROWS * COLUMNS).fill(0.5);
    },
  };
  return compile({ variables: { weight }, functions: { apply: { inputs: { x: { shape: [1, COLUMNS], dtype: 'float32' } }, run: (weights, { x }) => ({ y: linear(x!, weights['weight']!) }) } }, precision: 'bfloat16' });
}

function anonymousBytes(): number {
  giveBackMemory();
  return memoryOf(readFileSync('/proc/self/status', 'utf8')).anonymousBytes;
}

/** Within a tenth of the weights: the JavaScript around them is not counted to the byte. */
function assertNear(found: number, expected: number): void {
  assert.ok(Math.abs(found - expected) < WEIGHT_BYTES / 10, `${found} bytes, expected ${expected}`);
}
