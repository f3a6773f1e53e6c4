import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Aggregation } from '../../src/schemas/ner.ts';
import { random } from '../../src/corpora/random.ts';
import { mean } from '../../src/scoring/mean.ts';
import { entitiesOf, tagsOfEntities } from '../../src/tagging/entities.ts';
import { LABELS, probsOf } from './fake-model.ts';

//                O     B-LOC I-LOC B-PER I-PER
const MIXED = [
  [0.05, 0.5, 0.05, 0.4, 0],
  [0.1, 0, 0.5, 0.1, 0.3],
  [0.1, 0, 0.1, 0, 0.8],
  [0.9, 0.1, 0, 0, 0],
];
const mixed = Float32Array.from(MIXED.flat());
const read = (probs: Float32Array, aggregation: Aggregation, threshold = 0, temperature = 1) => entitiesOf(probs, LABELS, { aggregation, decoding: 'viterbi', temperature, threshold });

test('none gives each word that is not O with its own tag and probability', () => {
  assert.deepEqual(read(mixed, 'none'), [
    { wordStart: 0, wordEnd: 1, label: 'LOC', score: 0.5, tag: 'B-LOC' },
    { wordStart: 1, wordEnd: 2, label: 'LOC', score: 0.5, tag: 'I-LOC' },
    { wordStart: 2, wordEnd: 3, label: 'PER', score: 0.8, tag: 'I-PER' },
  ]);
});

test('simple joins neighbors by each word’s best tag, with the mean score', () => {
  assert.deepEqual(read(mixed, 'simple'), [
    { wordStart: 0, wordEnd: 2, label: 'LOC', score: 0.5 },
    { wordStart: 2, wordEnd: 3, label: 'PER', score: 0.8 },
  ]);
});

test('first reads the best sequence that BIO allows, with the mean score', () => {
  assert.deepEqual(read(mixed, 'first'), [{ wordStart: 0, wordEnd: 3, label: 'PER', score: 0.5 }]);
});

test('average and max take label and score from the entity’s mean distribution or from its surest word', () => {
  assert.deepEqual(read(mixed, 'average'), [{ wordStart: 0, wordEnd: 3, label: 'PER', score: 0.533333 }]);
  assert.deepEqual(read(mixed, 'max'), [{ wordStart: 0, wordEnd: 3, label: 'PER', score: 0.8 }]);
});

test('A model that decodes by argmax is read so', () => {
  const [entity] = entitiesOf(mixed, LABELS, { aggregation: 'first', decoding: 'argmax', temperature: 1, threshold: 0 });
  assert.equal(entity?.label, 'LOC');
});

test('Entities under the threshold are left out', () => {
  assert.deepEqual(read(mixed, 'simple', 0.6).map(({ label }) => label), ['PER']);
  assert.deepEqual(read(mixed, 'none', 0.51).map(({ tag }) => tag), ['I-PER']);
});

test('A temperature moves scores, which the threshold reads, and neither tags nor spans', () => {
  const generator = random(11);
  const probs = new Float32Array(200 * LABELS.tags.length);
  for (let word = 0; word < 200; word++) {
    const weights = LABELS.tags.map(() => Math.exp(6 * generator.next()));
    const sum = weights.reduce((a, b) => a + b);
    weights.forEach((weight, tag) => (probs[word * weights.length + tag] = weight / sum));
  }
  const placesOf = (found: ReturnType<typeof read>): unknown[] => found.map(({ score: _, ...place }) => place);
  const meanScore = (found: ReturnType<typeof read>): number => mean(found.map(({ score }) => score));
  for (const aggregation of ['none', 'simple', 'first'] as const) {
    const plain = read(probs, aggregation);
    const [sharp, flat] = [read(probs, aggregation, 0, 0.5), read(probs, aggregation, 0, 2)];
    assert.ok(plain.length > 40);
    assert.deepEqual([placesOf(sharp), placesOf(flat)], [placesOf(plain), placesOf(plain)]);
    assert.ok(meanScore(sharp) > meanScore(plain) && meanScore(plain) > meanScore(flat));
  }
  // sqrt(.8), sqrt(.1), sqrt(.1): .8944 / (.8944 + 2 * .3162)
  const one = Float32Array.of(0.1, 0.8, 0.1, 0, 0);
  assert.deepEqual(read(one, 'first', 0, 2).map(({ score }) => score), [0.585786]);
  assert.deepEqual([read(one, 'first', 0.6, 2).length, read(one, 'first', 0.6).length], [0, 1]);
});

test('A begin tag begins an entity of its own beside one of the same label', () => {
  assert.deepEqual(read(probsOf(['B-PER', 'B-PER', 'I-PER']), 'first').map(({ wordStart, wordEnd }) => [wordStart, wordEnd]), [[0, 1], [1, 3]]);
});

test('Tags say the same as the entities', () => {
  assert.deepEqual(tagsOfEntities(read(mixed, 'first'), 4), ['B-PER', 'I-PER', 'I-PER', 'O']);
  assert.deepEqual(tagsOfEntities(read(mixed, 'none'), 4), ['B-LOC', 'I-LOC', 'I-PER', 'O']);
  assert.deepEqual(tagsOfEntities([], 2), ['O', 'O']);
});

test('Scores never pass 1', () => {
  const sure = Float32Array.from([0, 0.5000001, 0.5000001, 0, 0]);
  assert.equal(read(sure, 'average')[0]?.score, 1);
});
