import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mean } from '../../src/scoring/mean.ts';
import { alphaByLanguage, deviation, summarize } from '../../src/study/summary.ts';
import type { ScoreVariant } from '../../src/schemas/result.ts';
import { SYSTEMS, runOf, scoreOf } from './fixtures.ts';

const near = (actual: number | undefined, expected: number): void => assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-12, `${actual} is not ${expected}`);
const LANGUAGES = { languages: ['en', 'es', 'nl'], targets: ['es', 'nl'] };

test('Mean and standard deviation are of a sample', () => {
  assert.equal(mean([1, 2, 6]), 3);
  near(deviation([1, 2, 6]) ?? NaN, Math.sqrt((4 + 1 + 9) / 2));
  assert.equal(deviation([1]), null);
});

test('A system has its F1 by language over seeds, and the mean of the targets', () => {
  const runs = [
    runOf('transfer', 1, [scoreOf('en', 9), scoreOf('es', 5), scoreOf('nl', 6)], 60),
    runOf('transfer', 2, [scoreOf('en', 9), scoreOf('es', 7), scoreOf('nl', 6)], 120),
    runOf('gamma', 1, [scoreOf('en', 8), scoreOf('es', 7), scoreOf('nl', 8)]),
  ];
  const [transfer, gamma] = summarize({ systems: SYSTEMS, runs, ...LANGUAGES });
  assert.deepEqual(transfer?.byLanguage['es']?.f1, [0.5, 0.7]);
  near(transfer.byLanguage['es'].mean, 0.6);
  near(transfer.targets?.mean, (0.55 + 0.65) / 2);
  assert.deepEqual([transfer.targets?.gain, transfer.seconds, transfer.seeds], [null, 90, [1, 2]]);
  // the second seed has no such student: compared is the first alone, (.7 - .5 + .8 - .6) / 2
  near(gamma?.targets?.gain?.difference, 0.2);
  near(gamma?.byLanguage['nl']?.gain?.difference, 0.2);
  const [low = NaN, high = NaN] = gamma?.targets?.gain?.ci95 ?? [];
  assert.ok(low >= 0 && low < 0.2 && high > 0.2, 'every change is for the better');
});

test('The same predictions gain nothing, with no width', () => {
  const runs = [runOf('transfer', 1, [scoreOf('es', 5)]), runOf('gamma', 1, [scoreOf('es', 5)])];
  const [, gamma] = summarize({ systems: SYSTEMS, runs, ...LANGUAGES });
  assert.deepEqual(gamma?.targets?.gain, { difference: 0, ci95: [0, 0] });
});

test('Decodings and protocols are read where every seed and language has them', () => {
  const argmax = { decoding: 'argmax', f1: 0.4 };
  const targetDev = { selection: 'target-dev', f1: 0.8 };
  const means = (readings: Readonly<Record<string, { mean: number }>> = {}): object => Object.fromEntries(Object.entries(readings).map(([name, reading]) => [name, reading.mean]));
  const runs = [runOf('transfer', 1, [scoreOf('es', 5, [argmax, targetDev]), scoreOf('nl', 7, [argmax])])];
  const [transfer] = summarize({ systems: SYSTEMS, runs, ...LANGUAGES });
  assert.deepEqual(transfer?.byLanguage['es']?.byDecoding, { argmax: 0.4, viterbi: 0.5 });
  assert.deepEqual(means(transfer.byLanguage['es'].bySelection), { 'source-dev': 0.5, 'target-dev': 0.8 });
  assert.deepEqual(means(transfer.targets?.bySelection), { 'source-dev': 0.6 });
});

test('By another protocol a gain is from direct transfer by the same one', () => {
  const by = (right: number): ScoreVariant[] => scoreOf('es', right).variants.map((variant) => ({ ...variant, selection: 'target-dev' }));
  const runs = [runOf('transfer', 1, [scoreOf('es', 5, by(8))]), runOf('gamma', 1, [scoreOf('es', 6, by(9))])];
  const [transfer, gamma] = summarize({ systems: SYSTEMS, runs, ...LANGUAGES });
  const { 'target-dev': targetDev } = gamma?.byLanguage['es']?.bySelection ?? {};
  assert.deepEqual([targetDev?.f1, targetDev?.deviation, gamma?.selections], [[0.9], null, ['source-dev']]);
  near(targetDev?.gain?.difference, 0.1);
  near(gamma?.byLanguage['es']?.gain?.difference, 0.1);
  assert.equal(transfer?.byLanguage['es']?.bySelection['target-dev']?.gain, null);
  // direct transfer has no such figure: there is nothing to gain from
  const [, alone] = summarize({ systems: SYSTEMS, runs: [runOf('transfer', 1, [scoreOf('es', 5)]), ...runs.slice(1)], ...LANGUAGES });
  assert.equal(alone?.byLanguage['es']?.bySelection['target-dev']?.gain, null);
});

test('What has not run, and what was not counted by sentence, is null', () => {
  const old = scoreOf('es', 5);
  const runs = [runOf('transfer', 1, [{ ...old, variants: [] }]), runOf('gamma', 1, [scoreOf('es', 6)])];
  const [, gamma] = summarize({ systems: SYSTEMS, runs, ...LANGUAGES });
  assert.equal(gamma?.targets?.gain, null);
  const [nothing] = summarize({ systems: SYSTEMS, runs: [], ...LANGUAGES });
  assert.deepEqual(nothing, { systemId: 'transfer', title: 'direct transfer', seeds: [], selections: [], byLanguage: {}, targets: null, seconds: null });
});

test('Alpha’s bins are direct transfer’s by argmax, seeds together', () => {
  const bins = Array.from({ length: 10 }, (_, bin) => ({ words: bin, tp: 1, fp: 0, fn: 0 }));
  const runs = [1, 2].map((seed) => runOf('transfer', seed, [scoreOf('es', 5, [{ decoding: 'argmax', f1: 0.5, alphaBins: bins }])]));
  const alpha = alphaByLanguage(runs, ['es', 'nl']);
  assert.deepEqual(Object.keys(alpha), ['es']);
  assert.deepEqual(alpha['es']?.[3], { words: 6, tp: 2, fp: 0, fn: 0 });
});
