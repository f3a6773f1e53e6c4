import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateF1, fitReference, type Estimate } from '../../src/scoring/estimate.ts';
import type { TaggedGold } from '../../src/scoring/expected.ts';
import { prf, scoreTags } from '../../src/scoring/ner.ts';
import { labels, simulate } from './simulated.ts';

const seed = 7;
const truthOf = (text: readonly TaggedGold[]): { precision: number; recall: number; f1: number } => prf(scoreTags(text.map(({ gold }) => gold), text.map(({ predicted }) => predicted)));
const covers = ({ ci95: [low, high] }: Estimate, f1: number): boolean => low <= f1 && f1 <= high;

test('where the model’s probabilities hold, the estimate is its F1', () => {
  const reference = fitReference({ labels, source: simulate({ sentences: 1000, seed: 1, strength: 4 }), seed });
  for (const strength of [6, 4, 2]) {
    const target = simulate({ sentences: 1000, seed: 2, strength });
    const estimate = estimateF1(reference, target);
    const truth = truthOf(target);
    assert.ok(covers(estimate, truth.f1), `${estimate.f1} (${estimate.ci95.join(' to ')}), and it is ${truth.f1}`);
    for (const name of ['f1', 'precision', 'recall'] as const) assert.ok(Math.abs(estimate[name] - truth[name]) < 0.04, `${name} ${estimate[name]}, and it is ${truth[name]}`);
    assert.ok(estimate.ci95[1] - estimate.ci95[0] < 0.16);
    assert.deepEqual([estimate.agreement, estimate.sentences, estimate.words], [null, 1000, 8000]);
  }
});

test('a model that is too sure of itself everywhere is corrected by calibration alone', () => {
  const source = simulate({ sentences: 1000, seed: 3, strength: 4, sharpness: 3 });
  const target = simulate({ sentences: 1000, seed: 4, strength: 3, sharpness: 3 });
  const reference = fitReference({ labels, source, seed });
  const estimate = estimateF1(reference, target);
  assert.ok(Math.abs(reference.claims.temperature - 3) < 0.5, String(reference.claims.temperature));
  assert.ok(covers(estimate, truthOf(target).f1), `${estimate.f1}, and it is ${truthOf(target).f1}`);
  // without calibration the same probabilities promise more
  const uncorrected = estimateF1({ ...reference, claims: { labels, temperature: 1, spans: { intercept: 0, slope: 1 }, starts: { intercept: 0, slope: 1 } } }, target);
  assert.ok(uncorrected.f1 > truthOf(target).f1 + 0.05, String(uncorrected.f1));
});

test('a model that is too sure of strange text only is corrected by half of what strange text of the source shows', () => {
  // the less clear a text is, the more its probabilities are overdone
  const at = (clearness: number, from: number): TaggedGold[] => simulate({ sentences: 800, seed: from, strength: 4 * clearness, sharpness: 1 / Math.sqrt(clearness) });
  const [source, target] = [at(1, 5), at(0.65, 6)];
  const strange = [0.9, 0.75, 0.5].map((clearness, index) => at(clearness, 10 + index));
  const estimate = estimateF1(fitReference({ labels, source, strange, seed }), target);
  const truth = truthOf(target).f1;
  assert.ok(estimate.confidence > truth + 0.05, `${estimate.confidence} is too sure, and it is ${truth}`);
  assert.ok(Math.abs(estimate.f1 - (estimate.confidence + truth) / 2) < 0.03, `${estimate.f1}, between ${estimate.confidence} and ${truth}`);
  assert.ok(covers(estimate, truth));
  // the interval reaches back to what the model thinks of itself
  assert.ok(estimate.ci95[1] >= estimate.confidence);
});

test('the interval holds the F1 of about 95 of 100 small texts', () => {
  let covered = 0;
  let widths = 0;
  for (let run = 0; run < 200; run++) {
    const reference = fitReference({ labels, source: simulate({ sentences: 120, seed: 2 * run + 1000, strength: 4 }), seed });
    const target = simulate({ sentences: 120, seed: 2 * run + 1001, strength: 4 });
    const estimate = estimateF1(reference, target);
    if (covers(estimate, truthOf(target).f1)) covered++;
    widths += estimate.ci95[1] - estimate.ci95[0];
  }
  assert.ok(covered >= 184 && covered <= 200, `${covered} of 200`);
  // an interval of everything would cover, too
  assert.ok(widths / 200 < 0.25, String(widths / 200));
});

test('entities that a student overlooks and its teacher sees count as missed', () => {
  const taught = (text: readonly TaggedGold[]): TaggedGold[] => text.map((sentence) => ({ ...sentence, teacher: sentence.predicted }));
  const source = taught(simulate({ sentences: 600, seed: 8, strength: 4 }));
  const target = taught(simulate({ sentences: 600, seed: 9, strength: 3 }));
  const reference = fitReference({ labels, source, seed });
  const copy = estimateF1(reference, target);
  assert.equal(copy.agreement, 1);
  assert.ok(covers(copy, truthOf(target).f1));
  // a student that overlooks every entity of every other sentence
  const blind = target.map((sentence, index) => (index % 2 === 0 ? sentence : { ...sentence, predicted: sentence.gold.map(() => 'O') }));
  const estimate = estimateF1(reference, blind);
  assert.ok((estimate.agreement ?? 1) < 0.75, String(estimate.agreement));
  assert.ok(covers(estimate, truthOf(blind).f1), `${estimate.f1}, and it is ${truthOf(blind).f1}`);
  assert.ok(estimate.recall < 0.6 * copy.recall, `${estimate.recall} and ${copy.recall}`);
});

test('the same seed gives the same estimate, and texts without a span or a sentence have one', () => {
  const source = simulate({ sentences: 40, seed: 12, strength: 4 });
  const reference = fitReference({ labels, source, seed });
  assert.deepEqual(estimateF1(reference, source), estimateF1(fitReference({ labels, source, seed }), source));
  const empty = source.map((sentence) => ({ ...sentence, gold: sentence.gold.map(() => 'O'), predicted: sentence.predicted.map(() => 'O') }));
  for (const text of [empty, []]) {
    for (const estimate of [estimateF1(reference, text), estimateF1(fitReference({ labels, source: text, seed }), text)]) {
      const numbers = [estimate.f1, estimate.precision, estimate.recall, ...estimate.ci95, estimate.confidence];
      assert.ok(numbers.every((value) => value >= 0 && value <= 1), numbers.join());
    }
  }
});
