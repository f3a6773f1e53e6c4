import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { quantizedWeights, quantizeRows, scalesOfRows } from '../../src/onnx/quantize.ts';

test('each row has the scale that makes its largest value the largest integer, and values go to the nearest one', () => {
  const values = Float32Array.of(64, -32, 0.4, -0.6, /* */ -0.25, 0.125, 0.0625, 0, /* */ 0, 0, 0, 0);
  const { integers, scales } = quantizeRows(values, { columns: 4, largest: 64 });
  assert.deepEqual([...scales], [1, 0.25 / 64, 1]);
  assert.deepEqual([...integers], [64, -32, 0, -1, -64, 32, 16, 0, 0, 0, 0, 0]);
});

test('halves go to the even integer, above and below 0', () => {
  const { integers } = quantizeRows(Float32Array.of(64, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5), { columns: 7, largest: 64 });
  assert.deepEqual([...integers], [64, 0, 2, 2, 0, -2, -2]);
});

test('no value is further from its integer than half a scale, whatever rows hold', () => {
  const generator = random(3);
  const columns = 37;
  for (const largest of [64, 127]) {
    // rows of sizes from 1e-20 to 1e20, the last with one value beside which all others are nothing
    const values = Float32Array.from({ length: 41 * columns }, (_, at) => (2 * generator.next() - 1) * 10 ** (Math.floor(at / columns) - 20));
    values[40 * columns + 5] = -3e38;
    const { integers, scales } = quantizeRows(values, { columns, largest });
    for (const [at, value] of values.entries()) {
      const [integer, scale] = [integers[at] ?? NaN, scales[Math.floor(at / columns)] ?? NaN];
      assert.ok(Math.abs(integer) <= largest);
      assert.ok(Math.abs(value - integer * scale) <= 0.50001 * scale, `${value} became ${integer} times ${scale}`);
    }
  }
});

test('rows in parts give the same as all at once, and values too small for a scale become 0', () => {
  const generator = random(5);
  const values = Float32Array.from({ length: 6 * 8 }, () => generator.next() - 0.5);
  const whole = quantizeRows(values, { columns: 8, largest: 127 });
  const parts = [values.subarray(0, 16), values.subarray(16)];
  assert.deepEqual(parts.flatMap((part) => [...quantizeRows(part, { columns: 8, largest: 127 }).integers]), [...whole.integers]);
  assert.deepEqual(parts.flatMap((part) => [...scalesOfRows(part, { columns: 8, largest: 127 })]), [...whole.scales]);
  assert.deepEqual(quantizeRows(Float32Array.of(1e-45, 0), { columns: 2, largest: 64 }), { integers: Int8Array.of(0, 0), scales: Float32Array.of(1) });
});

test('two products of uint8 and an int8 factor fit 16 bits', () => {
  const largest = Math.max(...[...quantizedWeights({ layers: 2 })].filter(([name]) => name.endsWith('.weight')).map(([, most]) => most));
  assert.ok(2 * 255 * largest <= 32767);
});
