/** The table of the engine's benchmark: which shapes are compared, and how a comparison reads. */
import type { Result, Shape } from './contest.ts';

export interface Comparison {
  readonly title: string;
  readonly shape: Shape;
}

const E5_SMALL = { layers: 12, hidden: 384, heads: 12, vocabulary: 30_000 };
const MBERT = { layers: 12, hidden: 768, heads: 12, vocabulary: 30_000 };
const FROZEN_LAYERS = 3;
export const IN_BATCHES: Shape = { what: 'predict', batch: 16, length: 64, freeze: -1, ...E5_SMALL };

/** Vocabularies are cut to 30,000 on both sides: a table's frozen rest costs nothing in either engine. */
export const COMPARISONS: readonly Comparison[] = [
  { title: 'training step, e5-small shape', shape: { what: 'train', batch: 32, length: 64, freeze: -1, ...E5_SMALL } },
  { title: `the same, embeddings and ${FROZEN_LAYERS} layers frozen`, shape: { what: 'train', batch: 32, length: 64, freeze: FROZEN_LAYERS, ...E5_SMALL } },
  { title: 'training step, mBERT shape', shape: { what: 'train', batch: 16, length: 64, freeze: -1, ...MBERT } },
  { title: 'prediction, e5-small shape', shape: IN_BATCHES },
  { title: 'prediction of one sentence, e5-small shape', shape: { what: 'predict', batch: 1, length: 32, freeze: -1, ...E5_SMALL } },
];

/** Lines of one comparison; `x` is how many times as fast as the row our best is. */
export function tableOf({ title, shape }: Comparison, results: readonly Result[]): string {
  const best = Math.min(...results.filter(({ engine }) => engine === 'mtmt').map(({ medianMs }) => medianMs));
  const rows = results.map(({ engine, precision, medianMs, minMs, maxMs, piecesPerSecond, lines }) => {
    const peak = Math.max(...lines.map((line) => line.peakBytes ?? 0));
    const compile = Math.min(...lines.map((line) => line.compileMs ?? Infinity));
    const own = engine === 'mtmt' ? `  compiled in ${(compile / 1000).toFixed(1)} s, at most ${(peak / 1e9).toFixed(2)} GB, on ${lines[0]?.device ?? '?'}` : `  x ${(medianMs / best).toFixed(2)}`;
    return `  ${engine.padEnd(12)}${precision.padEnd(9)}${medianMs.toFixed(1).padStart(9)} ms  (${minMs.toFixed(1)} to ${maxMs.toFixed(1)})${Math.round(piecesPerSecond).toString().padStart(8)} pieces/s${own}`;
  });
  return [`${title}: ${shape.layers} x ${shape.hidden}, batch ${shape.batch} x ${shape.length}`, ...rows].join('\n');
}
