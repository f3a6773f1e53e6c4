/** A model without TensorFlow: a word that begins with a capital is an entity, of a label by its length. */
import type { Recognized, Recognizer } from '../../src/inference/recognizer.ts';
import type { TaggingModel } from '../../src/tagging/pool.ts';
import { labelSet } from '../../src/text/label-set.ts';

export const LABELS = labelSet(['LOC', 'PER']);

export interface FakeModel extends TaggingModel {
  /** Sentences of each call. */
  readonly calls: string[][][];
  isDisposed: boolean;
}

/** Each word is one piece for every two of its characters. */
export function piecesOf(word: string): number {
  return Math.max(1, Math.ceil(word.length / 2));
}

export interface FakeModelOptions {
  readonly checkpointId?: string;
  readonly maxPieces?: number;
  /** Awaited in each call. */
  readonly work?: (sentences: readonly (readonly string[])[]) => Promise<unknown>;
  /** Tags of the words of one window. */
  readonly tagsOf?: (words: readonly string[]) => string[];
}

export function fakeModel({ checkpointId = 'ckpt_1', maxPieces = 20, work = () => new Promise(setImmediate), tagsOf = tagsByForm }: FakeModelOptions = {}): FakeModel {
  const calls: string[][][] = [];
  const model: FakeModel = {
    checkpointId,
    runId: `run_of_${checkpointId}`,
    encoder: 'tiny',
    labels: LABELS,
    decoding: 'viterbi',
    temperature: 1,
    maxPieces,
    calls,
    isDisposed: false,
    pieceStarts: (words) => Promise.resolve(startsOf(words)),
    recognizer: recognizerOf(async (sentences) => {
      if (model.isDisposed) throw new Error('the model is disposed of');
      calls.push(sentences.map((words) => [...words]));
      await work(sentences);
      return sentences.map((words) => ({ probs: probsOf(tagsOf(words)), pieces: startsOf(words)[words.length] ?? 0, windows: 1 }));
    }),
    dispose() {
      model.isDisposed = true;
    },
  };
  return model;
}

export function recognizerOf(recognize: (sentences: readonly (readonly string[])[]) => Promise<Recognized[]>): Recognizer {
  return { labels: LABELS, recognize, dispose: () => undefined };
}

/** `[words, tags]` with the given tags at `score`. */
export function probsOf(tags: readonly string[], score = 0.9): Float32Array {
  const width = LABELS.tags.length;
  const probs = new Float32Array(tags.length * width).fill((1 - score) / (width - 1));
  tags.forEach((tag, word) => (probs[word * width + LABELS.tags.indexOf(tag)] = score));
  return probs;
}

function tagsByForm(words: readonly string[]): string[] {
  return words.map((word, index) => {
    const isName = /^[\p{Lu}\p{Lo}\p{Emoji_Presentation}]/u.test(word);
    if (!isName) return 'O';
    const isInside = index > 0 && word.length % 3 === 0 && /^[\p{Lu}\p{Lo}\p{Emoji_Presentation}]/u.test(words[index - 1] ?? '');
    return `${isInside ? 'I' : 'B'}-${word.length % 2 === 0 ? 'PER' : 'LOC'}`;
  });
}

/** Work that waits until it is let go; `begun` counts the calls that have come to it. */
export function gate(): { work: () => Promise<void>; open: () => void; begun: () => number } {
  let open: () => void = () => undefined;
  let begun = 0;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { work: () => (begun++, opened), open: () => open(), begun: () => begun };
}

/** Until it is so, however long that takes. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 2));
}

function startsOf(words: readonly string[]): Int32Array {
  const starts = new Int32Array(words.length + 1);
  words.forEach((word, index) => (starts[index + 1] = (starts[index] ?? 0) + piecesOf(word)));
  return starts;
}
