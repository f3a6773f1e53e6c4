import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alphaFigure, pointFigure } from '../../src/study/figures.ts';

const numbers = (svg: string, pattern: RegExp): number[] => [...svg.matchAll(pattern)].map(([, value]) => Number(value));

test('Points lie from left to right as their F1, with whiskers where there is an interval', () => {
  const row = (title: string, f1: number, interval: [number, number] | null): { title: string; points: { series: string; f1: number; interval: [number, number] | null }[] } => ({ title, points: [{ series: 'es', f1, interval }] });
  const svg = pointFigure({ title: 'F1 & more', rows: [row('direct transfer', 0.7, null), row('+ <alpha>', 0.72, [0.71, 0.74])] });
  const [first = NaN, second = NaN] = numbers(svg, /<circle cx="([\d.]+)" cy="[\d.]+" r="3.5"/g);
  assert.ok(first < second);
  const [left = NaN] = numbers(svg, /<line x1="([\d.]+)"/g);
  const [right = NaN] = numbers(svg, /<line x1="[\d.]+" x2="([\d.]+)"/g);
  // two points of F1 lie between the marks, three between the ends of the whisker
  assert.ok(Math.abs((right - left) / (second - first) - 1.5) < 0.02, `${left} to ${right}, ${first} to ${second}`);
  assert.ok(left > first && left < second && right > second);
  assert.match(svg, /F1 &amp; more/);
  assert.match(svg, /\+ &lt;alpha&gt;/);
  assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
});

test('A figure of nothing is still one', () => {
  for (const svg of [pointFigure({ title: '', rows: [] }), alphaFigure({ title: '', bins: {} })]) {
    assert.match(svg, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg".*<\/svg>\n$/s);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
  }
});

test('F1 by alpha leaves out tenths of few words', () => {
  const bins = Array.from({ length: 10 }, (_, bin) => ({ words: bin < 8 ? 5 : 1000, tp: bin * 10, fp: 10, fn: 10 }));
  const svg = alphaFigure({ title: 'alpha', bins: { es: bins } });
  const [points = ''] = [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, value]) => value);
  assert.equal(points.split(' ').length, 2);
  const [y8 = NaN, y9 = NaN] = points.split(' ').map((point) => Number(point.split(',')[1]));
  assert.ok(y9 < y8, 'what is surer is more right: higher up');
});
