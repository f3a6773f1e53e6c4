import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Corpus } from '../../src/corpora/corpus.ts';
import type { Evaluator } from '../../src/inference/evaluator.ts';
import type { Recognizer } from '../../src/inference/recognizer.ts';
import { scoreTests } from '../../src/runs/score-tests.ts';
import { labelSet } from '../../src/text/label-set.ts';
import type { Selection, TrainedModel } from '../../src/training/request.ts';

const labels = labelSet(['PER']);
const recognizer: Recognizer = {
  labels,
  recognize: (sentences) => Promise.resolve(sentences.map((words) => ({ probs: new Float32Array(words.length * labels.tags.length).fill(1 / labels.tags.length), pieces: words.length, windows: 1 }))),
  dispose: () => undefined,
};
const evaluator: Evaluator = { similarity: (pairs) => Promise.resolve(new Float32Array(pairs.length).fill(0.7)), dispose: () => undefined };
const corpusOf = (language: string): Corpus => ({ datasetId: `${language} test`, language, split: 'test', labels: ['PER'], digest: '', sentences: [{ tokens: ['Ana', 'sleeps', 'Bo'], tags: ['B-PER', 'O', 'B-PER'] }] });
const place = { datasetId: 'pairs', language: 'en', split: 'test' } as const;
const uploaded = { place, pairs: [{ left: { tokens: ['a'], word: 0 }, right: { tokens: ['b'], word: 0 }, same: true }] };

/** `target-dev` chose step 1, `source-dev` and `last` step 2. */
async function scored(model: Pick<TrainedModel, 'recognizer' | 'evaluator'>, languages: readonly string[] = ['en', 'es']): Promise<{ told: unknown[]; used: Selection[]; said: string[] }> {
  const [told, used, said]: [unknown[], Selection[], string[]] = [[], [], []];
  const choices = [{ selection: 'source-dev', step: 2 }, { selection: 'last', step: 2 }, { selection: 'target-dev', step: 1 }] as const;
  const trained: TrainedModel = { ...model, selection: 'source-dev', choices, use: (selection) => void used.push(selection), dispose: () => undefined };
  const tests = { corpora: languages.map(corpusOf), pairs: [uploaded] };
  const options = { tests, sourceLanguages: new Set(['en']), decoding: 'argmax', pairBalance: 0.5, signal: new AbortController().signal, say: (message: string) => Promise.resolve(void said.push(message)) } as const;
  for await (const { place: { datasetId }, step, selections, isOwn, scored: { rows } } of scoreTests(trained, options)) told.push([datasetId, rows[0]?.scorer, step, selections.join(), isOwn]);
  return { told, used, said };
}

test('Tags are scored by each chosen step, pairs of a teacher of both kinds by the run’s own alone, which comes last', async () => {
  const { told, used, said } = await scored({ recognizer, evaluator });
  assert.deepEqual(told, [
    ['en test', 'conlleval', 1, 'target-dev', false],
    ['es test', 'conlleval', 1, 'target-dev', false],
    ['en test', 'conlleval', 2, 'source-dev,last', true],
    ['en test', 'pairs', 2, 'source-dev,last', true],
    ['es test', 'conlleval', 2, 'source-dev,last', true],
    ['pairs', 'pairs', 2, 'source-dev,last', true],
  ]);
  assert.deepEqual([used, said[0], said[2]], [['target-dev', 'source-dev'], 'scoring en test by target-dev', 'scoring en test by source-dev and last']);
});

test('An evaluator, and what has no test set with tags, is given its own weights alone', async () => {
  const alone = await scored({ recognizer: null, evaluator });
  assert.deepEqual([alone.told, alone.used], [[['en test', 'pairs', 2, 'source-dev,last', true], ['pairs', 'pairs', 2, 'source-dev,last', true]], ['source-dev']]);
  assert.deepEqual((await scored({ recognizer, evaluator: null }, [])).used, ['source-dev']);
});
