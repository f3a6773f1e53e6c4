import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Corpus } from '../../src/corpora/corpus.ts';
import { random } from '../../src/corpora/random.ts';
import type { Recognizer } from '../../src/inference/recognizer.ts';
import { applyTemperature } from '../../src/scoring/calibration.ts';
import { labelSet } from '../../src/text/label-set.ts';
import { calibrate, calibratingDev } from '../../src/training/calibrate.ts';
import type { Selection } from '../../src/training/request.ts';

const LABELS = labelSet(['LOC']);
const signal = new AbortController().signal;
const dev = (datasetId: string, sentences: Corpus['sentences'] = []): Corpus => ({ datasetId, language: datasetId, split: 'dev', labels: ['LOC'], digest: '', sentences });

/** A word is its own distribution over O, B-LOC and I-LOC, sharpened. */
function sharp(temperature: number): Recognizer {
  return {
    labels: LABELS,
    recognize: async (sentences) => sentences.map((words) => ({ probs: applyTemperature(Float32Array.from(words.flatMap((word) => word.split(' ').map(Number))), 3, temperature), pieces: words.length, windows: 1 })),
    dispose: () => undefined,
  };
}

/** Words whose tags are drawn from the distributions that they name. */
function drawnCorpus(count: number): Corpus {
  const generator = random(5);
  const sentences = Array.from({ length: count }, () => {
    const weights = LABELS.tags.map(() => Math.exp(3 * generator.next()));
    const total = weights.reduce((a, b) => a + b);
    let drawn = generator.next() * total;
    const tag = LABELS.tags.find((_, index) => (drawn -= weights[index] ?? 0) <= 0) ?? 'O';
    return { tokens: [weights.map((weight) => weight / total).join(' ')], tags: [tag] };
  });
  return dev('en', sentences);
}

test('the temperature is the one by which the recognizer is too sure, and takes most of its calibration error', async () => {
  const found = await calibrate(sharp(1 / 3), [drawnCorpus(2500)], signal);
  assert.ok(found !== null && Math.abs(found.temperature - 3) < 0.35, JSON.stringify(found));
  assert.ok(found.errorBefore > 0.1 && found.errorAfter < 0.04, JSON.stringify(found));
  assert.equal(found.words, 2000);
  assert.deepEqual(await calibrate(sharp(1 / 3), [drawnCorpus(2500)], signal), found);
});

test('where every word is right there is nothing to fit, and without words no calibration', async () => {
  const right = await calibrate(sharp(1), [dev('en', [{ tokens: ['0.8 0.1 0.1', '0.2 0.6 0.2'], tags: ['O', 'B-LOC'] }])], signal);
  assert.deepEqual([right?.temperature, right?.words, right?.errorBefore === right?.errorAfter], [1, 2, true]);
  assert.equal(await calibrate(sharp(1), [dev('en')], signal), null);
  assert.equal(await calibrate(sharp(1), [dev('en', [{ tokens: ['0.8 0.1 0.1'], tags: ['B-DATE'] }])], signal), null);
});

const BOTH = [{ selection: 'source-dev', datasetIds: new Set(['en']) }, { selection: 'target-dev', datasetIds: new Set(['es']) }] as const;
const READ: [name: string, selections: Selection[], own: Selection, protocols: readonly (typeof BOTH)[number][], read: string[]][] = [
  ['source-dev reads source dev', ['source-dev'], 'source-dev', BOTH, ['en']],
  ['target-dev alone reads target dev', ['target-dev'], 'source-dev', BOTH, ['es']],
  ['the last step reads source dev', ['last'], 'target-dev', BOTH, ['en']],
  ['so does a step that both protocols chose', ['source-dev', 'target-dev', 'last'], 'target-dev', BOTH, ['en']],
  ['a run without source dev reads target dev where its own protocol is that', ['target-dev', 'last'], 'target-dev', BOTH.slice(1), ['es']],
  ['and nothing where it is not', ['target-dev', 'last'], 'last', BOTH.slice(1), []],
  ['nor for the last step alone', ['last'], 'target-dev', BOTH.slice(1), []],
];
for (const [name, selections, own, protocols, read] of READ) {
  test(`Dev sets of the temperature: ${name}`, () => {
    assert.deepEqual(calibratingDev([dev('en'), dev('es')], { protocols, selections, own }).map(({ datasetId }) => datasetId), read);
  });
}
