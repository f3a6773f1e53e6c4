/** Learning tags from labeled sentences: cross-entropy over the pieces that stand for words (MTMT, section 3.2). */
import type { Sentence } from '../corpora/corpus.ts';
import type { Window } from '../encoders/pack.ts';
import { tagLogits } from '../models/outputs.ts';
import type { LabelSet } from '../text/label-set.ts';
import { tagLoss } from './losses.ts';
import { input, type Task } from './task.ts';

export function recognitionTask({ sentences, units, labels }: { sentences: readonly Sentence[]; units: readonly (readonly Window[])[]; labels: LabelSet }): Task {
  const tags = sentences.map((sentence) => tagIndices(sentence, labels));
  return {
    units,
    inputs: ({ rows, length }) => ({ tags: { shape: [rows * length], dtype: 'int32' }, tagWeights: { shape: [rows * length], dtype: 'float32' } }),
    loss: (weights, vectors, inputs, drop) => tagLoss(tagLogits(weights, vectors, drop), input(inputs, 'tags'), input(inputs, 'tagWeights')),
    values: (batch) => {
      const size = batch.rows * batch.length;
      const values = { tags: new Int32Array(size), tagWeights: new Float32Array(size) };
      for (const { sentence, word, at } of batch.words) {
        values.tags[at] = (tags[sentence] as Int32Array)[word] as number;
        values.tagWeights[at] = 1 / batch.words.length;
      }
      return values;
    },
  };
}

/** `[words]` indices into `labels.tags`. */
export function tagIndices(sentence: Sentence, labels: LabelSet): Int32Array {
  const index = new Map(labels.tags.map((tag, i) => [tag, i]));
  return Int32Array.from(sentence.tokens, (_, word) => index.get(sentence.tags?.[word] ?? 'O') ?? 0);
}
