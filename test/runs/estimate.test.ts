import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadedCheckpoint } from '../../src/checkpoints/load.ts';
import type { Corpus } from '../../src/corpora/corpus.ts';
import type { Recognizer } from '../../src/inference/recognizer.ts';
import { estimateTargets, type EstimateOptions, type LanguageEstimate } from '../../src/runs/estimate.ts';
import { labelSet } from '../../src/text/label-set.ts';

const labels = labelSet(['LOC', 'PER']);
const { signal } = new AbortController();
const SENTENCE = { tokens: ['Ana', 'sleeps', 'in', 'Rome'], tags: ['B-PER', 'O', 'O', 'B-LOC'] };

function corpusOf(language: string, split: Corpus['split'], count: number, isLabeled = true): Corpus {
  const { tokens, tags } = SENTENCE;
  const sentences = Array.from({ length: count }, () => (isLabeled ? { tokens, tags } : { tokens }));
  return { datasetId: `ds_${language}_${split}`, language, split, labels: ['LOC', 'PER'], digest: 'sha256:0', sentences: [...sentences, { tokens: [], ...(isLabeled && { tags: [] }) }] };
}

/** Knows the words above as they are, and is sure of nothing else; words of one sentence of each text count. */
function tagger(seen: string[][] = []): Recognizer & { disposed: number } {
  const width = labels.tags.length;
  return {
    disposed: 0,
    labels,
    recognize: (sentences) => {
      seen.push(sentences.flat());
      return Promise.resolve(
        sentences.map((words) => {
          const probs = new Float32Array(words.length * width).fill(1 / width);
          words.forEach((word, at) => {
            const tag = SENTENCE.tags[SENTENCE.tokens.indexOf(word)];
            if (tag === undefined) return;
            probs.fill(0.02, at * width, (at + 1) * width);
            probs[at * width + labels.tags.indexOf(tag)] = 0.92;
          });
          return { probs, pieces: words.length, windows: 1 };
        }),
      );
    },
    dispose() {
      this.disposed++;
    },
  };
}

async function estimates(change: Partial<Omit<EstimateOptions, 'material'>> & { material?: Partial<EstimateOptions['material']> } = {}): Promise<LanguageEstimate[]> {
  const material = { dev: [corpusOf('en', 'dev', 100)], unlabeled: [corpusOf('zh', 'train', 50, false), corpusOf('es', 'train', 30, false)], teachers: { recognizers: [], evaluators: [] }, sourceLanguages: new Set(['en']), ...change.material };
  const found: LanguageEstimate[] = [];
  for await (const estimate of estimateTargets({ model: tagger(), open: () => assert.fail('there is no teacher'), decoding: 'viterbi', signal, ...change, material })) found.push(estimate);
  return found;
}

test('each language of raw text has an estimate, sentences without a word do not count', async () => {
  const found = await estimates();
  assert.deepEqual(found.map(({ language, sentences, words, agreement }) => ({ language, sentences, words, agreement })), [
    { language: 'es', sentences: 30, words: 120, agreement: null },
    { language: 'zh', sentences: 50, words: 200, agreement: null },
  ]);
  // all was right on the source, and the text is the same
  for (const { f1, ci95 } of found) assert.ok(f1 > 0.98 && ci95[1] > 0.99, `${f1}`);
});

test('strange text is made of the dev set, and of that alone', async () => {
  const seen: string[][] = [];
  await estimates({ model: tagger(seen), material: { unlabeled: [corpusOf('es', 'train', 30, false)] } });
  const shareKnown = seen.map((words) => words.filter((word) => SENTENCE.tokens.includes(word)).length / words.length);
  assert.equal(shareKnown.length, 6);
  const [slight = 0, , , strong = 1, clean, raw] = shareKnown;
  assert.ok(slight > 0.75 && slight < 1 && strong < 0.3, shareKnown.join());
  assert.deepEqual([clean, raw], [1, 1]);
});

test('at most 2,000 sentences of a language are tagged, the same ones each time', async () => {
  const [first, second] = [await estimates({ material: { unlabeled: [corpusOf('es', 'train', 2500, false)] } }), await estimates({ material: { unlabeled: [corpusOf('es', 'train', 2500, false)] } })];
  assert.equal(first[0]?.sentences, 2000);
  assert.deepEqual(first, second);
});

test('without raw text of another language, or a dev set of a source language, there is none', async () => {
  assert.deepEqual(await estimates({ material: { unlabeled: [corpusOf('en', 'train', 5, false)] } }), []);
  assert.deepEqual(await estimates({ material: { unlabeled: [] } }), []);
  assert.deepEqual(await estimates({ material: { dev: [] } }), []);
  assert.deepEqual(await estimates({ material: { dev: [corpusOf('es', 'dev', 5)] } }), []);
});

test('a student is compared with its teachers, which are disposed of; its sources are the dev sets of other languages', async () => {
  const teacher = tagger();
  const recognizers = [{}, {}] as LoadedCheckpoint[];
  const found = await estimates({ open: () => Promise.resolve(teacher), material: { teachers: { recognizers, evaluators: [] }, sourceLanguages: new Set() } });
  assert.deepEqual(found.map(({ language, agreement }) => [language, agreement]), [['es', 1], ['zh', 1]]);
  assert.equal(teacher.disposed, 2);
});

test('a student is judged by the mean of its distributions and its teachers’', async () => {
  const model = tagger();
  const width = labels.tags.length;
  let texts = 0;
  // as the model on the source's texts; on those of the targets sure that no word is an entity
  const outside = (words: readonly string[]): Float32Array => Float32Array.from({ length: words.length * width }, (_, i) => (i % width === labels.tags.indexOf('O') ? 0.92 : 0.02));
  const recognize: Recognizer['recognize'] = async (sentences) => (++texts <= 5 ? model.recognize(sentences) : sentences.map((words) => ({ probs: outside(words), pieces: words.length, windows: 1 })));
  const teacher = { ...model, recognize };
  const [alone] = await estimates({ model });
  const [taught] = await estimates({ model, open: () => Promise.resolve(teacher), material: { teachers: { recognizers: [{} as LoadedCheckpoint], evaluators: [] } } });
  assert.ok((alone?.f1 ?? 0) > 0.98 && (taught?.f1 ?? 1) < 0.95 && (taught?.f1 ?? 0) > 0.3, `${alone?.f1} and ${taught?.f1}`);
});

test('a run that is cancelled disposes of the teachers', async () => {
  const teacher = tagger();
  const model: Recognizer = { ...tagger(), recognize: () => Promise.reject(new Error('cancelled')) };
  await assert.rejects(estimates({ model, open: () => Promise.resolve(teacher), material: { teachers: { recognizers: [{} as LoadedCheckpoint], evaluators: [] }, sourceLanguages: new Set() } }), /cancelled/);
  assert.equal(teacher.disposed, 1);
});
