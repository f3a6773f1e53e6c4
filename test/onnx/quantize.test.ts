import assert from 'node:assert/strict';
import { test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { quantizeRows, scalesOfRows } from '../../src/onnx/quantize.ts';

test('each entry has the scale that makes its largest value 127, and values go to the nearest integer', () => {
  const values = Float32Array.of(127, -32, 0.4, -0.6, /* */ -0.25, 0.125, 0.0625, 0, /* */ 0, 0, 0, 0);
  const { integers, scales } = quantizeRows(values, { columns: 4, use: 'entry' });
  assert.deepEqual([...scales], [1, Math.fround(0.25 / 127), 1]);
  assert.deepEqual([...integers], [127, -32, 0, -1, -127, 64, 32, 0, 0, 0, 0, 0]);
});

test('factors have the scale that makes 127 of the largest sum of two neighbours of one sign, or of the largest value', () => {
  const rows: [row: number[], scale: number][] = [
    [[-60, -67, 1, 2], 1],
    [[127, -127, 90, -90], 1],
    [[1, 100, 100, 2, 127], 1], // no sum over pairs, and the last one has no neighbour
    [[80, 174, 3], 2],
  ];
  for (const [row, scale] of rows) assert.deepEqual([...scalesOfRows(Float32Array.from(row), { columns: row.length, use: 'factors' })], [scale]);
});

test('two neighbours of one sign times uint8 numbers fit 16 bits, as processors without VNNI add them', () => {
  const generator = random(9);
  const columns = 384;
  const values = Float32Array.from({ length: 500 * columns }, () => (2 * generator.next() - 1) ** 3);
  const { integers } = quantizeRows(values, { columns, use: 'factors' });
  let most = 0;
  for (let at = 0; at < integers.length; at += 2) {
    const [one = 0, other = 0] = integers.subarray(at, at + 2);
    most = Math.max(most, 255 * (Math.max(one, 0) + Math.max(other, 0)), 255 * (Math.max(-one, 0) + Math.max(-other, 0)));
  }
  assert.ok(most > 255 * 126 && most <= 32767, String(most));
});

test('halves go to the even integer, above and below 0', () => {
  const { integers } = quantizeRows(Float32Array.of(127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5), { columns: 7, use: 'entry' });
  assert.deepEqual([...integers], [127, 0, 2, 2, 0, -2, -2]);
});

test('no value is further from its integer than half a scale, whatever rows hold', () => {
  const generator = random(3);
  const columns = 37;
  for (const use of ['entry', 'factors'] as const) {
    // rows of sizes from 1e-20 to 1e20, the last with one value beside which all others are nothing
    const values = Float32Array.from({ length: 41 * columns }, (_, at) => (2 * generator.next() - 1) * 10 ** (Math.floor(at / columns) - 20));
    values[40 * columns + 5] = -3e38;
    const { integers, scales } = quantizeRows(values, { columns, use });
    for (const [at, value] of values.entries()) {
      const [integer, scale] = [integers[at] ?? NaN, scales[Math.floor(at / columns)] ?? NaN];
      assert.ok(Math.abs(value - integer * scale) <= 0.50001 * scale, `${value} became ${integer} times ${scale}`);
    }
  }
});

test('rows in parts give the same as all at once, and values too small for a scale become 0', () => {
  const generator = random(5);
  const values = Float32Array.from({ length: 6 * 8 }, () => generator.next() - 0.5);
  const row = { columns: 8, use: 'entry' } as const;
  const whole = quantizeRows(values, row);
  const parts = [values.subarray(0, 16), values.subarray(16)];
  assert.deepEqual(parts.flatMap((part) => [...quantizeRows(part, row).integers]), [...whole.integers]);
  assert.deepEqual(parts.flatMap((part) => [...scalesOfRows(part, row)]), [...whole.scales]);
  assert.deepEqual(quantizeRows(Float32Array.of(1e-45, 0), { columns: 2, use: 'factors' }), { integers: Int8Array.of(0, 0), scales: Float32Array.of(1) });
});
