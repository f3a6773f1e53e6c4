/** The figures of serving, each beside what it is to reach; medians of the rounds. */
import { inColumns } from '../columns.ts';
import type { Result } from '../contest.ts';
import { median } from '../measure.ts';
import type { LoadResult, LoadWindow } from './load.ts';
import type { TimedInProcess } from './peer.ts';
import { trendOf } from './trend.ts';

export interface Served {
  /** One client. */
  readonly alone: LoadResult;
  /** Many clients. */
  readonly loaded: LoadResult;
}

export interface Round {
  readonly ours: Served;
  /** Null: no Python was named. */
  readonly peer: (Served & { readonly onnxruntime: TimedInProcess }) | null;
}

export interface Memory {
  /** Resident now, and at most so far. */
  readonly residentBytes: number;
  readonly peakBytes: number;
  /** Of the resident ones, those of no file. */
  readonly anonymousBytes: number;
}

export interface Minute {
  readonly window: LoadWindow;
  readonly residentBytes: number | null;
}

export interface Figure {
  readonly name: string;
  readonly ours: string;
  readonly beside: string;
  readonly target: string;
  /** Null where what decides it was not measured. */
  readonly isReached: boolean | null;
}

/** Targets of issue 7, for e5-small on two cores. */
const MIN_SPEEDUP_IN_BATCHES = 1.3;
const MIN_SPEEDUP_OF_LOAD = 2.5;
const MAX_P99_OVER_P50 = 10;
const MAX_MEMORY_OVER_WEIGHTS = 1.3;
const MEMORY_BESIDE_WEIGHTS = 300e6;
/** Of the mean, over the whole load: what V8's heap and the allocator breathe by. */
const MAX_MEMORY_GROWTH = 0.02;
const MAX_P99_GROWTH = 0.2;

export function figuresOfRounds(rounds: readonly Round[], { clients, pieces }: { clients: number; pieces: number }): Figure[] {
  const middle = (value: (round: Round) => number | undefined): number | null => {
    const values = rounds.map(value);
    return values.every((each) => each !== undefined) ? median(values) : null;
  };
  const alone = middle(({ ours }) => ours.alone.p50Ms) ?? NaN;
  const [peerAlone, onnx] = [middle(({ peer }) => peer?.alone.p50Ms), middle(({ peer }) => peer?.onnxruntime.medianMs)];
  const [rate, peerRate] = [middle(({ ours }) => ours.loaded.answersPerSecond) ?? NaN, middle(({ peer }) => peer?.loaded.answersPerSecond)];
  const [p50, p99] = [middle(({ ours }) => ours.loaded.p50Ms) ?? NaN, middle(({ ours }) => ours.loaded.p99Ms) ?? NaN];
  const peerLoad = [middle(({ peer }) => peer?.loaded.p50Ms), middle(({ peer }) => peer?.loaded.p99Ms)] as const;
  const errors = rounds.reduce((sum, { ours }) => sum + ours.alone.errors + ours.loaded.errors, 0);
  return [
    {
      name: `one sentence of ${pieces} pieces, client to answer, p50`,
      ours: `${ms(alone)} (p99 ${ms(middle(({ ours }) => ours.alone.p99Ms))})`,
      beside: onnx === null ? '-' : `onnxruntime in process ${ms(onnx)}, transformers ${ms(peerAlone)}`,
      target: 'onnxruntime float32 in process, or less',
      isReached: onnx === null ? null : alone <= onnx,
    },
    {
      name: `texts a second, ${clients} clients`,
      ours: rate.toFixed(1),
      beside: peerRate === null ? '-' : `transformers one at a time ${peerRate.toFixed(1)}: ${(rate / peerRate).toFixed(2)} times`,
      target: `${MIN_SPEEDUP_OF_LOAD} times`,
      isReached: peerRate === null ? null : rate >= MIN_SPEEDUP_OF_LOAD * peerRate,
    },
    {
      name: 'p99 of these',
      ours: `${ms(p99)} (p50 ${ms(p50)}): ${(p99 / p50).toFixed(1)} times p50`,
      beside: peerLoad[1] === null ? '-' : `transformers ${ms(peerLoad[1])} (p50 ${ms(peerLoad[0])})`,
      target: `under ${MAX_P99_OVER_P50} times p50`,
      isReached: p99 < MAX_P99_OVER_P50 * p50,
    },
    { name: 'errors', ours: String(errors), beside: '-', target: 'none', isReached: errors === 0 },
  ];
}

/** The model without serving, in batches. @param results of `contest` */
export function figureOfModel(results: readonly Result[], { batch, length }: { batch: number; length: number }): Figure {
  const ours = results.filter(({ engine }) => engine === 'mtmt').sort((a, b) => a.medianMs - b.medianMs);
  const onnx = results.find(({ engine }) => engine === 'onnxruntime')?.medianMs ?? null;
  const best = ours[0]?.medianMs ?? NaN;
  return {
    name: `the model alone, ${batch} x ${length}`,
    ours: ours.map(({ precision, medianMs }) => `${precision} ${ms(medianMs)}`).join(', '),
    beside: onnx === null ? '-' : `onnxruntime float32 ${ms(onnx)}: ${(onnx / best).toFixed(2)} times`,
    target: `${MIN_SPEEDUP_IN_BATCHES} times`,
    isReached: onnx === null ? null : onnx >= MIN_SPEEDUP_IN_BATCHES * best,
  };
}

/** @param memory null where it cannot be read */
export function figureOfMemory(memory: Memory | null, storedBytes: number): Figure {
  const limit = MAX_MEMORY_OVER_WEIGHTS * storedBytes + MEMORY_BESIDE_WEIGHTS;
  return {
    name: 'memory of the tagger',
    ours: memory === null ? 'not known' : `${mb(memory.residentBytes)} (${mb(memory.anonymousBytes)} of no file; at most ${mb(memory.peakBytes)})`,
    beside: `weights as stored ${mb(storedBytes)}`,
    target: `${MAX_MEMORY_OVER_WEIGHTS} times these and ${mb(MEMORY_BESIDE_WEIGHTS)}: ${mb(limit)}`,
    isReached: memory === null ? null : memory.residentBytes <= limit,
  };
}

/** The first minute is left out: caches fill. */
export function figuresOfMinutes(minutes: readonly Minute[]): Figure[] {
  const settled = minutes.slice(1);
  const errors = minutes.reduce((sum, { window }) => sum + window.errors, 0);
  const p99 = trendOf(settled.map(({ window }) => window.p99Ms));
  const sizes = settled.flatMap(({ residentBytes }) => residentBytes ?? []);
  const memory = sizes.length === settled.length ? trendOf(sizes) : null;
  const isEnough = settled.length > 1;
  return [
    {
      name: 'memory of the tagger under a long load',
      ours: memory === null ? 'not known' : `${mb(memory.mean)}, ${signed(memory.growth)} from first to last`,
      beside: '-',
      target: `flat: ${percent(MAX_MEMORY_GROWTH)} at most`,
      isReached: memory === null || !isEnough ? null : memory.growth <= MAX_MEMORY_GROWTH,
    },
    { name: 'p99 under a long load', ours: `${ms(p99.mean)}, ${signed(p99.growth)} from first to last`, beside: '-', target: `steady: ${percent(MAX_P99_GROWTH)} at most`, isReached: isEnough ? p99.growth <= MAX_P99_GROWTH : null },
    { name: 'errors under a long load', ours: String(errors), beside: '-', target: 'none', isReached: errors === 0 },
  ];
}

export function tableOfFigures(figures: readonly Figure[]): string {
  const rows = [['figure', 'ours', 'beside it', 'to reach', ''], ...figures.map(({ name, ours, beside, target, isReached }) => [name, ours, beside, target, isReached === null ? '?' : isReached ? 'yes' : 'NO'])];
  return inColumns(rows);
}

export function ms(value: number | null): string {
  return value === null ? '?' : `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}

export function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

function signed(share: number): string {
  return `${share < 0 ? '' : '+'}${(100 * share).toFixed(1)} %`;
}
