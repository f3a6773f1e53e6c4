import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReached, tableOfCalls, type TimedCall } from '../../../src/benchmark/serve/calls.ts';
import { figureOfMemory, figureOfModel, figuresOfMinutes, figuresOfRounds, tableOfFigures, type Minute, type Round } from '../../../src/benchmark/serve/figures.ts';
import type { LoadResult } from '../../../src/benchmark/serve/load.ts';
import type { Result } from '../../../src/benchmark/contest.ts';

const load = (p50Ms: number, p99Ms: number, answersPerSecond: number, errors = 0): LoadResult => ({ count: 100, p50Ms, p99Ms, maxMs: p99Ms, answersPerSecond, errors, firstError: errors > 0 ? 'status 500' : null, cpuShare: 0.1 });
const round = (o: { alone: number; rate: number; onnx?: number; peerRate?: number; p99?: number; errors?: number }): Round => ({
  ours: { alone: load(o.alone, 9, 100), loaded: load(100, o.p99 ?? 300, o.rate, o.errors) },
  peer: o.onnx === undefined ? null : { alone: load(30, 40, 30), loaded: load(900, 1200, o.peerRate ?? 1), onnxruntime: { count: 9, medianMs: o.onnx } },
});
const SHAPE = { clients: 64, pieces: 32 };
const verdicts = (rounds: Round[]): (boolean | null)[] => figuresOfRounds(rounds, SHAPE).map((figure) => figure.isReached);

test('medians of the rounds decide: speed alone, under load, its p99, and errors', () => {
  const rounds = [round({ alone: 6, rate: 100, onnx: 7, peerRate: 30 }), round({ alone: 60, rate: 10, onnx: 7, peerRate: 30 }), round({ alone: 5, rate: 90, onnx: 6, peerRate: 40 })];
  const [alone, rate] = figuresOfRounds(rounds, SHAPE);
  assert.deepEqual(verdicts(rounds), [true, true, true, true]);
  assert.equal(alone?.ours, '6.0 ms (p99 9.0 ms)');
  assert.deepEqual([rate?.ours, rate?.beside], ['90.0', 'transformers one at a time 30.0: 3.00 times']);
});

test('what misses its target is said', () => {
  assert.deepEqual(verdicts([round({ alone: 8, rate: 60, onnx: 7, peerRate: 30, p99: 1001, errors: 2 })]), [false, false, false, false]);
});

test('without a peer what is relative to it is not known', () => {
  assert.deepEqual(verdicts([round({ alone: 8, rate: 60 })]), [null, null, true, true]);
});

test('memory is within 1.3 times the stored weights and 300 MB', () => {
  const of = (residentBytes: number): boolean | null => figureOfMemory({ residentBytes, peakBytes: residentBytes, anonymousBytes: 1e6 }, 200e6).isReached;
  assert.deepEqual([of(560e6), of(561e6)], [true, false]);
  assert.equal(figureOfMemory(null, 200e6).isReached, null);
});

test('the model alone is judged by the better of our precisions', () => {
  const result = (engine: Result['engine'], precision: Result['precision'], medianMs: number): Result => ({ engine, precision, medianMs, minMs: medianMs, maxMs: medianMs, piecesPerSecond: 1, lines: [] });
  const figure = figureOfModel([result('mtmt', 'float32', 120), result('mtmt', 'bfloat16', 60), result('onnxruntime', 'float32', 90)], { batch: 16, length: 64 });
  assert.deepEqual([figure.ours, figure.beside, figure.isReached], ['bfloat16 60.0 ms, float32 120 ms', 'onnxruntime float32 90.0 ms: 1.50 times', true]);
});

test('a long load is flat without its first minute, and a leak of a percent a minute is seen', () => {
  const minutes = (memory: (minute: number) => number, p99: (minute: number) => number): Minute[] =>
    Array.from({ length: 30 }, (_, minute) => ({ window: load(100, p99(minute), 50), residentBytes: memory(minute) }));
  const reached = (each: readonly Minute[]): (boolean | null)[] => figuresOfMinutes(each).map(({ isReached }) => isReached);
  assert.deepEqual(reached(minutes((minute) => (minute === 0 ? 100e6 : 500e6 + 1e6 * (minute % 3)), (minute) => 200 + 10 * (minute % 2))), [true, true, true]);
  assert.deepEqual(reached(minutes((minute) => 500e6 + 5e6 * minute, (minute) => 200 + 5 * minute)), [false, false, true]);
  assert.deepEqual(reached([{ window: load(1, 1, 1, 3), residentBytes: null }]), [null, null, false]);
});

test('the table has a line a figure, with the verdict last', () => {
  const lines = tableOfFigures(figuresOfRounds([round({ alone: 8, rate: 60, onnx: 7, peerRate: 20 })], SHAPE)).split('\n');
  assert.equal(lines.length, 5);
  assert.match(lines[1] ?? '', /^one sentence of 32 pieces, client to answer, p50 +8\.0 ms .* NO$/);
  assert.match(lines[2] ?? '', /^texts a second, 64 clients +60\.0 +transformers one at a time 20\.0: 3\.00 times +2\.5 times +yes$/);
});

test('a call beside a training is judged by its p99 and its errors', () => {
  const call = (p99: number, errors = 0): TimedCall => ({ name: 'GET /runs', training: load(5, p99, 20, errors), alone: load(2, 3, 20) });
  assert.deepEqual([call(49), call(50), call(9, 1)].map(isReached), [true, false, false]);
  assert.match(tableOfCalls([call(49), call(9, 1)]), /^GET \/runs +2\.0 ms +3\.0 ms +3\.0 ms +5\.0 ms +49\.0 ms +49\.0 ms +yes\nGET \/runs .* 1 ERRORS \(status 500\)$/m);
});
