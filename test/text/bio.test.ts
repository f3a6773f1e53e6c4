import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spansOfTags, tagsOfSpans } from '../../src/text/bio.ts';
import { labelSet } from '../../src/text/label-set.ts';

for (const [tags, expected] of [
  ['B-A I-A O B-A B-A', [[0, 2, 'A'], [3, 4, 'A'], [4, 5, 'A']]],
  ['I-A I-B I-B O I-B', [[0, 1, 'A'], [1, 3, 'B'], [4, 5, 'B']]],
  ['B-A I-B', [[0, 1, 'A'], [1, 2, 'B']]],
  ['O', []],
] as const) {
  test(`The spans of ${tags} are those that conlleval sees`, () => {
    const spans = spansOfTags(tags.split(' '));
    assert.deepEqual(spans.map(({ wordStart, wordEnd, label }) => [wordStart, wordEnd, label]), expected);
  });
}

test('Spans make IOB2 tags', () => {
  assert.deepEqual(tagsOfSpans([{ wordStart: 1, wordEnd: 3, label: 'A' }], 4), ['O', 'B-A', 'I-A', 'O']);
});

test('A label set is sorted and holds each label once', () => {
  assert.deepEqual(labelSet(['PER', 'LOC', 'PER']), { labels: ['LOC', 'PER'], tags: ['O', 'B-LOC', 'I-LOC', 'B-PER', 'I-PER'] });
  assert.deepEqual(labelSet([]), { labels: [], tags: ['O'] });
});
