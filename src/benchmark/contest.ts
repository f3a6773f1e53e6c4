/** Runs our engine and its peers in turn, each measurement in a process of its own, and compares medians: machines differ from minute to minute. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withHugePages } from '../tensor/huge-pages.ts';
import { median } from './measure.ts';

export type Engine = 'mtmt' | 'torch' | 'onnxruntime';

/** What is measured, as flags of the command and of peer.py. */
export interface Shape {
  readonly what: 'train' | 'predict';
  readonly batch: number;
  readonly length: number;
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly vocabulary: number;
  readonly freeze: number;
  readonly encoder?: string;
}

export interface Contestant {
  readonly engine: Engine;
  readonly precision: 'float32' | 'bfloat16';
}

/** The line that every engine prints. */
export interface Line extends Contestant {
  readonly what: 'train' | 'predict';
  readonly batch: number;
  readonly length: number;
  readonly medianMs: number;
  readonly piecesPerSecond: number;
  /** Ours only. */
  readonly device?: string;
  readonly compileMs?: number;
  readonly peakBytes?: number;
}

export interface Result extends Contestant {
  /** Of the rounds. */
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly piecesPerSecond: number;
  readonly lines: readonly Line[];
}

export interface ContestOptions {
  readonly rounds: number;
  readonly repeats: number;
  /** A Python that has torch, transformers and onnxruntime; without it our engine runs alone. */
  readonly python?: string;
  readonly peerScript?: string;
  readonly onLine?: (line: Line) => void;
}

const CLI = join(import.meta.dirname, '../cli.ts');
export const PEER_SCRIPT = join(import.meta.dirname, 'peer.py');
const MAX_MS = 20 * 60_000;

/** Peers of a shape: PyTorch in both precisions, and for predictions onnxruntime. */
export function contestantsOf(shape: Shape, hasPeers: boolean): Contestant[] {
  const both = (engine: Engine): Contestant[] => (['float32', 'bfloat16'] as const).map((precision) => ({ engine, precision }));
  const peers: Contestant[] = hasPeers ? [...both('torch'), ...(shape.what === 'predict' ? [{ engine: 'onnxruntime', precision: 'float32' } as const] : [])] : [];
  return [...both('mtmt'), ...peers];
}

export async function contest(shape: Shape, contestants: readonly Contestant[], options: ContestOptions): Promise<Result[]> {
  const lines = contestants.map((): Line[] => []);
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      const line = await measureApart(shape, contestant, options);
      options.onLine?.(line);
      lines[index]?.push(line);
    }
  }
  return contestants.map((contestant, index) => resultOf(contestant, lines[index] ?? []));
}

export function resultOf(contestant: Contestant, lines: readonly Line[]): Result {
  const times = lines.map((line) => line.medianMs);
  const { batch = NaN, length = NaN } = lines[0] ?? {};
  const medianMs = median(times);
  return { ...contestant, medianMs, minMs: Math.min(...times), maxMs: Math.max(...times), piecesPerSecond: (1000 * batch * length) / medianMs, lines };
}

async function measureApart(shape: Shape, { engine, precision }: Contestant, { repeats, python, peerScript = PEER_SCRIPT }: ContestOptions): Promise<Line> {
  const flags = Object.entries({ ...shape, precision, repeats }).map(([key, value]) => `--${key}=${value}`);
  const [program, args] =
    engine === 'mtmt' ? [process.execPath, ['--import', import.meta.resolve('tsx'), CLI, 'benchmark', 'engine', ...flags, '--rounds=1', '--json']] : [python ?? 'python3', [peerScript, ...flags, `--engine=${engine}`]];
  // ours as a worker starts its trainers
  const env = engine === 'mtmt' && shape.what === 'train' ? { env: withHugePages(process.env) } : {};
  const { stdout } = await promisify(execFile)(program, args, { ...env, timeout: MAX_MS, maxBuffer: 1 << 24 });
  const last = stdout.trim().split('\n').at(-1) ?? '';
  return JSON.parse(last) as Line;
}
