import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { random } from '../../src/corpora/random.ts';
import { loadBackend, tf } from '../../src/tensor/backend.ts';
import { agreed, type Compared, formMeans, neighbourMeans } from '../../src/training/agreement.ts';

before(() => loadBackend({ device: 'cpu' }));

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6): void {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < found.length; i++) assert.ok(Math.abs((found[i] ?? NaN) - (expected[i] ?? NaN)) < tolerance, `${i}: ${found[i]}, expected ${expected[i]}`);
}

/** Runs to the end. */
function whole(comparing: Generator<Compared, Float32Array>): Float32Array {
  for (;;) {
    const { done, value } = comparing.next();
    if (done) return value;
  }
}

/** Tags O, B-LOC. */
const corpus = {
  tags: 2,
  outside: 0,
  forms: ['Leiden', 'ligt', 'Leiden', 'hier', 'Leiden'],
  probs: Float32Array.of(0.2, 0.8, 1, 0, 0.6, 0.4, 1, 0, 0.1, 0.9),
  vectors: Float32Array.of(3, 0, 0, 1, 2, 0.1, 0, 1, 1, 0),
};

test('a form has the mean of its other occurrences, and a form that occurs once keeps its own', () => {
  assertClose(formMeans(corpus), [0.35, 0.65, 1, 0, 0.15, 0.85, 1, 0, 0.4, 0.6]);
});

describe('the neighbours of a word', () => {
  test('are the nearest by direction, whatever their length, and never the word itself', () => {
    // 40 words in a half circle, each between its 8 nearest on either side but at the ends
    const words = 40;
    const angles = Array.from({ length: words }, (_, word) => (word * Math.PI) / words);
    const vectors = Float32Array.from(angles.flatMap((angle, word) => [Math.cos(angle) * (word + 1), Math.sin(angle) * (word + 1)]));
    const saidOf = (word: number): number => 0.1 + word / 50;
    const probs = Float32Array.from(angles.flatMap((_, word) => [1 - saidOf(word), saidOf(word)]));
    const means = whole(neighbourMeans({ probs, tags: 2, outside: 0, vectors }));
    const meanOf = (of: number[]): number => of.reduce((sum, word) => sum + saidOf(word), 0) / of.length;
    const from = (first: number, word: number): number[] => Array.from({ length: 17 }, (_, index) => first + index).filter((other) => other !== word);
    for (const word of [12, 20, 27]) assert.ok(Math.abs((means[2 * word + 1] ?? NaN) - meanOf(from(word - 8, word))) < 1e-6, String(word));
    assert.ok(Math.abs((means[1] ?? NaN) - meanOf(from(0, 0))) < 1e-6);
  });

  test('are no words that are O for sure, and such a word keeps its own', () => {
    const means = whole(neighbourMeans(corpus));
    assertClose(means.subarray(2, 4), [1, 0]);
    assertClose(means.subarray(6, 8), [1, 0]);
    assertClose(means.subarray(0, 2), [0.35, 0.65]);
  });

  test('are none where one word at most may be an entity', () => {
    const lonely = { ...corpus, probs: Float32Array.of(0.2, 0.8, 1, 0, 1, 0, 1, 0, 1, 0) };
    assert.deepEqual(whole(neighbourMeans(lonely)), lonely.probs);
  });

  test('of more words than are compared at once are found a stretch at a time, and no tensor is left, stopped or not', () => {
    const words = 2_100;
    const draw = random(7);
    const kinds = Array.from({ length: words }, () => draw.int(2));
    const probs = Float32Array.from(kinds.flatMap((kind) => (kind === 0 ? [0.9, 0.1] : [0.3, 0.7])));
    const vectors = Float32Array.from(kinds.flatMap((kind) => [kind + 0.1 * draw.next(), 1 - kind + 0.1 * draw.next()]));
    const tensors = tf.memory().numTensors;
    const stopped = neighbourMeans({ probs, tags: 2, outside: 0, vectors });
    assert.deepEqual([stopped.next().value, stopped.next().value], [{ done: 0, of: words }, { done: 1024, of: words }]);
    stopped.return(probs);
    assert.equal(tf.memory().numTensors, tensors);
    assertClose(whole(neighbourMeans({ probs, tags: 2, outside: 0, vectors })), probs, 1e-5);
    assert.equal(tf.memory().numTensors, tensors);
  });
});

describe('soft tags in agreement', () => {
  test('are the own ones where nothing has a share', () => {
    assert.equal(whole(agreed(corpus, { formShare: 0, neighbourShare: 0 })), corpus.probs);
  });

  test('move by the shares, neighbours first, and stay distributions', () => {
    const soft = whole(agreed(corpus, { formShare: 0.5, neighbourShare: 0.4 }));
    // Leiden's only neighbours are the other two of its form
    assertClose(soft.subarray(0, 2), [0.5 * (0.6 * 0.2 + 0.4 * 0.35) + 0.5 * 0.35, 0.5 * (0.6 * 0.8 + 0.4 * 0.65) + 0.5 * 0.65]);
    for (let word = 0; word < corpus.forms.length; word++) assert.ok(Math.abs(soft[2 * word]! + soft[2 * word + 1]! - 1) < 1e-6);
    assertClose(corpus.probs.subarray(0, 2), [0.2, 0.8]);
  });
});
