import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareSchedules } from '../../src/study/schedules.ts';

const SIZE = { sentences: 100, words: 2000, pieces: 3000 };

test('Ours encodes a sentence for all of its words, the authors’ for one of them', () => {
  const { costs, timesPieces, timesSeconds } = compareSchedules(SIZE, { everyWord: 1000, oneWord: 500 });
  assert.deepEqual(costs, [
    { schedule: 'everyWord', piecesPerWord: 1.5, piecesPerSecond: 1000, secondsPerThousandWords: 1.5, isMeasured: true },
    { schedule: 'oneWord', piecesPerWord: 30, piecesPerSecond: 500, secondsPerThousandWords: 60, isMeasured: true },
  ]);
  assert.deepEqual([timesPieces, timesSeconds], [20, 40]);
});

test('Where one word of a sentence was not trained, our speed stands for its speed, and it says so', () => {
  const { costs, timesSeconds } = compareSchedules(SIZE, { everyWord: 1000, oneWord: null });
  assert.deepEqual([costs[1]?.isMeasured, costs[1]?.piecesPerSecond, timesSeconds], [false, 1000, 20]);
});
