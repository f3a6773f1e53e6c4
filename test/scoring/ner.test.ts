import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { prf, scoreTags } from '../../src/scoring/ner.ts';

interface Printed {
  precision: number;
  recall: number;
  f1: number;
}
interface Case {
  gold: string[][];
  predicted: string[][];
  expected: Printed & { tokens: number; gold: number; predicted: number; correct: number; labels: Record<string, Printed & { predicted?: number }> };
}
const { cases } = JSON.parse(readFileSync(new URL('../fixtures/scoring-conlleval.json', import.meta.url), 'utf8')) as { cases: Case[] };
const printed = (counts: { tp: number; fp: number; fn: number }): Printed => {
  const { precision, recall, f1 } = prf(counts);
  // as C's printf: a tie (53.125) goes to the even neighbour
  const round = (share: number): number => {
    const scaled = 10_000 * share;
    const isTie = Math.abs(scaled - Math.floor(scaled) - 0.5) < 1e-9;
    return (isTie ? 2 * Math.round(scaled / 2) : Math.round(scaled)) / 100;
  };
  return { precision: round(precision), recall: round(recall), f1: round(f1) };
};

cases.forEach(({ gold, predicted, expected }, index) => {
  test(`case ${index}: counts and percentages are those that conlleval printed`, () => {
    const score = scoreTags(gold, predicted);
    assert.equal(score.words, expected.tokens);
    assert.deepEqual(
      { gold: score.tp + score.fn, predicted: score.tp + score.fp, correct: score.tp },
      { gold: expected.gold, predicted: expected.predicted, correct: expected.correct },
    );
    assert.deepEqual(printed(score), { precision: expected.precision, recall: expected.recall, f1: expected.f1 });
    for (const [label, wanted] of Object.entries(expected.labels)) {
      const found = printed(score.labels[label] ?? { tp: 0, fp: 0, fn: 0 });
      assert.deepEqual(found, { precision: wanted.precision, recall: wanted.recall, f1: wanted.f1 }, label);
    }
  });
});
