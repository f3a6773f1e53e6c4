import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { contest, contestantsOf, resultOf, type Line, type Shape } from '../../src/benchmark/contest.ts';
import { tableOf } from '../../src/benchmark/table.ts';

const shape: Shape = { what: 'predict', batch: 2, length: 16, layers: 1, hidden: 32, heads: 2, vocabulary: 50, freeze: -1 };
const line = (medianMs: number): Line => ({ engine: 'torch', precision: 'float32', what: 'predict', batch: 2, length: 16, medianMs, piecesPerSecond: 0 });

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtmt-benchmark-'));
});
after(() => rm(folder, { recursive: true, force: true }));

test('training is compared with PyTorch in both precisions, prediction with onnxruntime too', () => {
  const names = (what: 'train' | 'predict', hasPeers: boolean): string[] => contestantsOf({ ...shape, what }, hasPeers).map(({ engine, precision }) => `${engine} ${precision}`);
  assert.deepEqual(names('train', false), ['mtmt float32', 'mtmt bfloat16']);
  assert.deepEqual(names('train', true), ['mtmt float32', 'mtmt bfloat16', 'torch float32', 'torch bfloat16']);
  assert.deepEqual(names('predict', true).at(-1), 'onnxruntime float32');
});

test('a result is the median of the rounds, with their spread', () => {
  const { medianMs, minMs, maxMs, piecesPerSecond } = resultOf({ engine: 'torch', precision: 'float32' }, [line(30), line(10), line(16)]);
  assert.deepEqual({ medianMs, minMs, maxMs, piecesPerSecond }, { medianMs: 16, minMs: 10, maxMs: 30, piecesPerSecond: 2000 });
});

test('ours and a peer run in turn, each in a process of its own, and the table has the ratio', async () => {
  const peer = join(folder, 'peer.mjs');
  await writeFile(peer, `console.log('a warning'); console.log(JSON.stringify({ engine: 'torch', precision: 'float32', what: 'predict', batch: 2, length: 16, medianMs: 5000, piecesPerSecond: 1, args: process.argv.slice(2) }));`);
  const seen: Line[] = [];
  const contestants = [{ engine: 'mtmt', precision: 'float32' }, { engine: 'torch', precision: 'float32' }] as const;
  const results = await contest(shape, contestants, { rounds: 2, repeats: 2, python: process.execPath, peerScript: peer, onLine: (each) => seen.push(each) });
  assert.deepEqual(seen.map(({ engine }) => engine), ['mtmt', 'torch', 'mtmt', 'torch']);
  const own = seen[0] ?? assert.fail();
  assert.deepEqual(Object.keys(own).slice(0, 7), ['engine', 'what', 'precision', 'batch', 'length', 'medianMs', 'piecesPerSecond']);
  assert.ok(own.medianMs > 0 && (own.peakBytes ?? 0) > 1e8 && own.device === 'cpu', JSON.stringify(own));
  const { args } = seen[1] as Line & { args: string[] };
  for (const flag of ['--batch=2', '--heads=2', '--repeats=2', '--engine=torch', '--precision=float32']) assert.ok(args.includes(flag), `${flag} is not in ${args.join(' ')}`);
  const table = tableOf({ title: 'a small one', shape }, results);
  assert.match(table, /^a small one: 1 x 32, batch 2 x 16\n {2}mtmt +float32 .* on cpu\n {2}torch +float32 +5000\.0 ms .* x \d+\.\d\d$/);
});
