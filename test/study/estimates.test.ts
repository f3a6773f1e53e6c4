import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimatesOf, estimatesText } from '../../src/study/estimates.ts';
import { estimateOf, runOf, SYSTEMS } from './fixtures.ts';

const RUNS = [
  runOf('gamma', 2, [], 60, [estimateOf('es', 0.5, 0.75), estimateOf('nl', 0.6, null)]),
  runOf('gamma', 1, [], 60, [estimateOf('es', 0.7, 0.625)]),
  runOf('transfer', 1, [], 60, [estimateOf('es', 0.5, 0.5)]),
  runOf('transfer', 2, []),
];
const close = (found: number | undefined, expected: number): void => assert.ok(Math.abs((found ?? NaN) - expected) < 1e-12, `${found} is not ${expected}`);

test('Estimates stand by system, seed and language, each with its error where there is a truth', () => {
  const { rows } = estimatesOf(SYSTEMS, RUNS);
  assert.deepEqual(
    rows.map(({ systemId, seed, language, f1, truth, holdsTruth }) => [systemId, seed, language, f1, truth, holdsTruth]),
    [['transfer', 1, 'es', 0.5, 0.5, true], ['gamma', 1, 'es', 0.7, 0.625, true], ['gamma', 2, 'es', 0.5, 0.75, false], ['gamma', 2, 'nl', 0.6, null, null]],
  );
  assert.deepEqual([rows[2]?.error, rows[3]?.error], [-0.25, null]);
});

test('Errors are averaged by system and over all, over what has a truth', () => {
  const { errors, all, without } = estimatesOf(SYSTEMS, RUNS);
  assert.deepEqual(errors['transfer'], { count: 1, meanAbsolute: 0, mean: 0, holding: 1 });
  // 0.075 and -0.25
  close(errors['gamma']?.meanAbsolute, 0.1625);
  close(errors['gamma']?.mean, -0.0875);
  assert.deepEqual([errors['gamma']?.count, errors['gamma']?.holding, all?.count, all?.holding, without], [2, 1, 3, 2, 1]);
  close(all?.meanAbsolute, 0.325 / 3);
});

test('In Markdown shares are percent and errors points', () => {
  const lines = estimatesText(estimatesOf(SYSTEMS, RUNS)).split('\n');
  assert.ok(lines.some((line) => line.endsWith('Mean absolute error: 10.8 over 3 of them; 2 of their 95% intervals hold the test F1. Runs without an estimate: 1.')), lines.join('\n'));
  for (const row of ['| direct transfer | 1 | 0.0 | 0.0 | 1 of 1 |', '| + gamma (MTMT) | 2 | es | 50.0 | [40.0, 60.0] | 75.0 | -25.0 |', '| + gamma (MTMT) | 2 | nl | 60.0 | [50.0, 70.0] |  |  |']) assert.ok(lines.includes(row), `${row} is not in\n${lines.join('\n')}`);
});

test('Without a test set estimates stand alone', () => {
  const text = estimatesText(estimatesOf(SYSTEMS, [runOf('gamma', 1, [], 60, [estimateOf('es', 0.5, null)])]));
  assert.match(text, /No target has a test set to compare with\./);
  assert.doesNotMatch(text, /NaN|undefined|null|mean error/);
});

test('Where no run has an estimate, what it takes is said; before the first run nothing is', () => {
  assert.match(estimatesText(estimatesOf(SYSTEMS, [runOf('gamma', 1, [])])), /No run has estimated its F1/);
  assert.equal(estimatesText(estimatesOf(SYSTEMS, [])), '');
});
