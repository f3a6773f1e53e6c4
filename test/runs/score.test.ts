import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Corpus } from '../../src/corpora/corpus.ts';
import type { Recognizer } from '../../src/inference/recognizer.ts';
import { scoreEvaluator, scoreRecognizer, testPairs } from '../../src/runs/score.ts';
import { labelSet } from '../../src/text/label-set.ts';

const { signal } = new AbortController();

test('a test set is scored as counts for all labels and for each, with an interval for all', async () => {
  const corpus = corpusOf([['B-LOC', 'I-LOC', 'O'], ['B-PER', 'O', 'O']], ['LOC', 'PER']);
  const { rows, f1, labels } = await scoreRecognizer(tagger(['LOC', 'PER'], [['B-LOC', 'I-LOC', 'O'], ['B-LOC', 'O', 'O']]), corpus, { decoding: 'argmax', signal });
  const brief = rows.map(({ label, tp, fp, fn, tn, ciLow }) => ({ label, tp, fp, fn, tn, hasInterval: ciLow !== null }));
  assert.deepEqual(brief, [
    { label: '', tp: 1, fp: 1, fn: 1, tn: null, hasInterval: true },
    { label: 'LOC', tp: 1, fp: 1, fn: 0, tn: null, hasInterval: false },
    { label: 'PER', tp: 0, fp: 0, fn: 1, tn: null, hasInterval: false },
  ]);
  assert.equal(f1, 0.5);
  assert.equal(labels, null);
  const { datasetId, language, split, sentences, words, scorer, decoding } = rows[0] ?? assert.fail();
  assert.deepEqual({ datasetId, language, split, sentences, words, scorer, decoding }, { datasetId: 'ds_1', language: 'zh', split: 'test', sentences: 2, words: 6, scorer: 'conlleval', decoding: 'argmax' });
});

test('where label sets differ the shared labels are scored, and the counts of all are told', async () => {
  const corpus = corpusOf([['B-LOC', 'O'], ['B-DATE', 'O']], ['DATE', 'LOC']);
  const { rows, labels } = await scoreRecognizer(tagger(['LOC', 'MISC'], [['B-LOC', 'O'], ['B-MISC', 'O']]), corpus, { decoding: 'argmax', signal });
  assert.deepEqual(rows.map(({ label, tp, fp, fn }) => [label, tp, fp, fn]), [['', 1, 0, 0], ['LOC', 1, 0, 0]]);
  assert.deepEqual(labels, { shared: ['LOC'], model: ['LOC', 'MISC'], corpus: ['DATE', 'LOC'], all: { tp: 1, fp: 1, fn: 1 } });
});

test('both decodings of the same probabilities are counted, sentence by sentence and by alpha', async () => {
  const corpus = corpusOf([['B-PER', 'I-PER'], ['O', 'O']], ['LOC', 'PER']);
  // I-LOC after B-PER is likeliest, and not allowed
  const { labels, recognize, dispose } = tagger(['LOC', 'PER'], [['B-PER', 'I-LOC'], ['O', 'O']]);
  const unsure: Recognizer = {
    labels,
    dispose,
    recognize: async (sentences) => {
      const recognized = await recognize(sentences);
      recognized[0]?.probs.set([0.8], labels.tags.length + labels.tags.indexOf('I-PER'));
      return recognized;
    },
  };
  const { rows, variants } = await scoreRecognizer(unsure, corpus, { decoding: 'viterbi', signal });
  assert.deepEqual([rows[0]?.tp, rows[0]?.fp, rows[0]?.fn, rows[0]?.decoding], [1, 0, 0, 'viterbi']);
  assert.deepEqual(
    variants.map(({ alphaBins, ...variant }) => variant),
    [
      { datasetId: 'ds_1', decoding: 'argmax', tp: 0, fp: 2, fn: 1, sentenceCounts: [0, 2, 1, 0, 0, 0] },
      { datasetId: 'ds_1', decoding: 'viterbi', tp: 1, fp: 0, fn: 0, sentenceCounts: [1, 0, 0, 0, 0, 0] },
    ],
  );
  // alpha is .9 squared for all four words; argmax has one of the two tags right, Viterbi both
  assert.deepEqual(variants.map(({ alphaBins }) => alphaBins.slice(32, 36)), [[4, 1, 1, 1], [4, 2, 0, 0]]);
  assert.equal(variants[0]?.alphaBins.reduce((sum, count) => sum + count, 0), 7);
});

test('pairs of a test set are the same for every run, and decided at one half', async () => {
  const corpus = corpusOf(Array.from({ length: 20 }, () => ['B-LOC', 'O', 'O']), ['LOC']);
  const pairs = testPairs(corpus, 0.5);
  assert.deepEqual(testPairs(corpus, 0.5), pairs);
  const evaluator = { similarity: () => Promise.resolve(Float32Array.from(pairs, ({ same }, i) => (i === 0 ? 0.5 : same ? 0.7 : 0.3))), dispose: () => undefined };
  const { rows } = await scoreEvaluator(evaluator, corpus, { pairs, labels: ['', 'same'], signal });
  const [all, same] = rows;
  assert.deepEqual({ ...all, label: 'same' }, same);
  const isSame = pairs[0]?.same === true;
  assert.deepEqual([all?.fp, all?.fn, all?.scorer, all?.decoding, all?.words], [isSame ? 0 : 1, 0, 'pairs', 'threshold', 2 * pairs.length]);
  assert.equal((all?.tp ?? 0) + (all?.fp ?? 0) + (all?.fn ?? 0) + (all?.tn ?? 0), pairs.length);
});

function corpusOf(tags: string[][], labels: string[]): Corpus {
  const sentences = tags.map((each) => ({ tokens: each.map((_, i) => `word${i}`), tags: each }));
  return { datasetId: 'ds_1', language: 'zh', split: 'test', labels, digest: 'sha256:0', sentences };
}

function tagger(labels: string[], tags: string[][]): Recognizer {
  const set = labelSet(labels);
  const width = set.tags.length;
  const probsOf = (sentence: string[]): Float32Array => {
    const probs = new Float32Array(sentence.length * width).fill(0.01);
    sentence.forEach((tag, word) => (probs[word * width + set.tags.indexOf(tag)] = 0.9));
    return probs;
  };
  return { labels: set, recognize: () => Promise.resolve(tags.map((each) => ({ probs: probsOf(each), pieces: each.length, windows: 1 }))), dispose: () => undefined };
}
