/** The study's figures as SVG of our own: points with intervals by system, and lines of F1 by alpha. */
import { prf } from '../scoring/ner.ts';
import { ALPHA_BINS, type AlphaBin } from '../scoring/alpha-bins.ts';

const WIDTH = 640;
const MARGIN = { left: 190, right: 110, top: 34, bottom: 44 };
const ROW = 22;
/** Told apart also without color vision (Okabe and Ito). */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const STYLE = 'text{font:12px system-ui,sans-serif;fill:#222}.axis{stroke:#bbb;stroke-width:1}.title{font-weight:600}.legend{font-size:11px}';
/** A bin of fewer words says nothing. */
const MIN_BIN_WORDS = 20;

export interface Point {
  readonly series: string;
  /** F1, 0 to 1 */
  readonly f1: number;
  readonly interval: readonly [low: number, high: number] | null;
}

export interface PointRow {
  readonly title: string;
  readonly points: readonly Point[];
}

/** F1 by system, one mark a series; whiskers where there is an interval. */
export function pointFigure({ title, rows }: { title: string; rows: readonly PointRow[] }): string {
  const series = [...new Set(rows.flatMap(({ points }) => points.map((point) => point.series)))];
  const values = rows.flatMap(({ points }) => points.flatMap(({ f1, interval }) => [f1, ...(interval ?? [])]));
  const [low, high] = range(values);
  const rowHeight = Math.max(ROW, 9 * series.length + 8);
  const height = MARGIN.top + rows.length * rowHeight + MARGIN.bottom;
  const x = scale([low, high], [MARGIN.left, WIDTH - MARGIN.right]);
  const bottom = MARGIN.top + rows.length * rowHeight;
  const marks = rows.flatMap(({ title: name, points }, row) => {
    const middle = MARGIN.top + (row + 0.5) * rowHeight;
    return [
      text(MARGIN.left - 10, middle + 4, name, 'text-anchor="end"'),
      ...points.map(({ series: of, f1, interval }) => {
        const index = series.indexOf(of);
        const y = middle + 9 * (index - (series.length - 1) / 2);
        const whisker = interval === null ? '' : `<line x1="${at(x(interval[0]))}" x2="${at(x(interval[1]))}" y1="${at(y)}" y2="${at(y)}" stroke="${color(index)}" stroke-width="2"/>`;
        return `${whisker}<circle cx="${at(x(f1))}" cy="${at(y)}" r="3.5" fill="${color(index)}"><title>${escaped(`${name}, ${of}: ${percent(f1)}`)}</title></circle>`;
      }),
    ];
  });
  const ticks = ticksOf(low, high).map((tick) => `<line class="axis" x1="${at(x(tick))}" x2="${at(x(tick))}" y1="${MARGIN.top}" y2="${bottom}"/>${text(x(tick), bottom + 16, percent(tick), 'text-anchor="middle"')}`);
  return svg({ height, title, body: [...ticks, ...marks, ...legend(series), text(MARGIN.left, bottom + 34, 'entity F1, percent')] });
}

/** Word-level F1 of tags other than `O` by alpha, one line a language. */
export function alphaFigure({ title, bins }: { title: string; bins: Readonly<Record<string, readonly AlphaBin[]>> }): string {
  const height = 300;
  const bottom = height - MARGIN.bottom;
  const left = 50;
  const x = scale([0, 1], [left, WIDTH - MARGIN.right]);
  const y = scale([0, 1], [bottom, MARGIN.top]);
  const languages = Object.keys(bins);
  const lines = languages.flatMap((language, index) => {
    const points = (bins[language] ?? []).flatMap((bin, tenth) => (bin.words < MIN_BIN_WORDS || bin.tp + bin.fp + bin.fn === 0 ? [] : [{ alpha: (tenth + 0.5) / ALPHA_BINS, f1: prf(bin).f1, words: bin.words }]));
    const path = points.map(({ alpha, f1 }) => `${at(x(alpha))},${at(y(f1))}`).join(' ');
    const marks = points.map(({ alpha, f1, words }) => `<circle cx="${at(x(alpha))}" cy="${at(y(f1))}" r="3" fill="${color(index)}"><title>${escaped(`${language}: ${percent(f1)} of ${words} words`)}</title></circle>`);
    return [`<polyline points="${path}" fill="none" stroke="${color(index)}" stroke-width="1.5"/>`, ...marks];
  });
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((tick) => [
    `<line class="axis" x1="${left}" x2="${WIDTH - MARGIN.right}" y1="${at(y(tick))}" y2="${at(y(tick))}"/>`,
    text(left - 8, y(tick) + 4, percent(tick), 'text-anchor="end"'),
    text(x(tick), bottom + 16, tick.toFixed(1), 'text-anchor="middle"'),
  ]);
  return svg({ height, title, body: [...ticks, ...lines, ...legend(languages), text(left, bottom + 34, 'word-level F1 of tags other than O, percent, by alpha: the square of the highest probability')] });
}

function svg({ height, title, body }: { height: number; title: string; body: readonly string[] }): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${STYLE}</style>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="10" y="20" class="title">${escaped(title)}</text>`,
    ...body,
    '</svg>\n',
  ].join('\n');
}

function legend(series: readonly string[]): string[] {
  const left = WIDTH - MARGIN.right + 16;
  return series.map((name, index) => `<circle cx="${left}" cy="${MARGIN.top + 16 * index + 6}" r="4" fill="${color(index)}"/>${text(left + 10, MARGIN.top + 16 * index + 10, name, 'class="legend"')}`);
}

/** A little wider than the values, at whole points of F1. */
function range(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const low = Math.max(0, Math.floor(100 * Math.min(...values) - 1) / 100);
  const high = Math.min(1, Math.ceil(100 * Math.max(...values) + 1) / 100);
  return [low, high];
}

/** Four to ten of them. */
function ticksOf(low: number, high: number): number[] {
  const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((each) => (high - low) / each <= 8) ?? 0.25;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) => (first + index) * step);
}

function scale([from, to]: readonly [number, number], [start, end]: readonly [number, number]): (value: number) => number {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${at(x)}" y="${at(y)}" ${attributes}>${escaped(content)}</text>`;
}

function color(index: number): string {
  return COLORS[index % COLORS.length] ?? '#000';
}

function at(value: number): string {
  return String(Math.round(10 * value) / 10);
}

function percent(share: number): string {
  return String(Math.round(1000 * share) / 10);
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
