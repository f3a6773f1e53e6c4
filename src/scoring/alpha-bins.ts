/** How right tags are, by how sure the recognizer was (MTMT's figure of alpha against F1). Words are counted here, not entities: sureness is a word's. */
import type { Counts } from './ner.ts';

export interface AlphaBin extends Counts {
  /** Of all tags, `O` among them. */
  readonly words: number;
}

export const ALPHA_BINS = 10;
const NUMBERS = 4;

/**
 * @param alphas of each word, in [0, 1] @param gold, predicted tags of the same words
 * @returns for each tenth of alpha, lowest first: words, then tp, fp and fn of the tags other than `O`; a wrong tag is one of each
 */
export function binByAlpha(alphas: readonly ArrayLike<number>[], gold: readonly (readonly string[])[], predicted: readonly (readonly string[])[]): AlphaBin[] {
  const bins = Array.from({ length: ALPHA_BINS }, () => ({ words: 0, tp: 0, fp: 0, fn: 0 }));
  gold.forEach((tags, sentence) => {
    tags.forEach((tag, word) => {
      const alpha = alphas[sentence]?.[word] ?? 0;
      const bin = bins[Math.min(ALPHA_BINS - 1, Math.floor(alpha * ALPHA_BINS))];
      if (bin === undefined) return;
      const said = predicted[sentence]?.[word] ?? 'O';
      bin.words++;
      if (said === tag) bin.tp += Number(tag !== 'O');
      else {
        bin.fp += Number(said !== 'O');
        bin.fn += Number(tag !== 'O');
      }
    });
  });
  return bins;
}

/** As rows keep them. */
export function flatBins(bins: readonly AlphaBin[]): number[] {
  return bins.flatMap(({ words, tp, fp, fn }) => [words, tp, fp, fn]);
}

export function binsOf(flat: readonly number[]): AlphaBin[] {
  return Array.from({ length: Math.floor(flat.length / NUMBERS) }, (_, bin) => {
    const [words = 0, tp = 0, fp = 0, fn = 0] = flat.slice(bin * NUMBERS, (bin + 1) * NUMBERS);
    return { words, tp, fp, fn };
  });
}
