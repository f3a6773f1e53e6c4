/**
 * Pieces of a Unigram vocabulary (Kudo 2018, "Subword regularization"): the cut of a text with the highest sum of piece scores, as the package's
 * `Unigram::encode_optimized` finds it. The package keeps a hash table for every node of a trie: 255 MB for the 250,002 pieces of XLM-RoBERTa, and
 * 120 MB that reading them leaves behind.
 */
import { pieceTrie } from './piece-trie.ts';

export interface UnigramJson {
  readonly type: 'Unigram';
  readonly unk_id: number;
  readonly vocab: readonly (readonly [piece: string, score: number])[];
}

export interface Unigram {
  /** @param text normalized and cut as the file says: neighbors that are unknown make one unk piece */
  ids(text: string): number[];
  idOf(piece: string): number | undefined;
  pieceOf(id: number): string | undefined;
}

/** What an unknown character costs beside the rarest piece (K_UNK_PENALTY of the package, kUnkPenalty of sentencepiece). */
const UNKNOWN_PENALTY = 10;

/** Falling back to bytes is not ours; what is not a Unigram model at all is not either. */
export function isUnigram(model: unknown): model is UnigramJson {
  const { type, unk_id: unkId, byte_fallback: hasBytes } = (model ?? {}) as Record<string, unknown>;
  return type === 'Unigram' && typeof unkId === 'number' && hasBytes !== true;
}

export function unigram({ vocab, unk_id: unkId }: UnigramJson): Unigram {
  const scores = Float64Array.from(vocab, ([, score]) => score);
  const pieces = vocab.map(([piece]) => piece);
  const trie = pieceTrie(pieces);
  const unknown = scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;
  return {
    idOf: (piece) => trie.indexOf(piece),
    pieceOf: (id) => pieces[id],
    ids(text) {
      const size = text.length;
      /** Of the best cut that ends at an index (UTF-16): its score, its last piece, and where that begins; -1: there is none. */
      const best = new Float64Array(size + 1);
      const last = new Int32Array(size + 1);
      const from = new Int32Array(size + 1).fill(-1);
      const offer = (start: number, end: number, id: number, score: number): void => {
        const candidate = (best[start] as number) + score;
        if (from[end] !== -1 && candidate <= (best[end] as number)) return;
        best[end] = candidate;
        last[end] = id;
        from[end] = start;
      };
      for (let start = 0, next = 0; start < size; start = next) {
        next = start + ((text.codePointAt(start) as number) > 0xffff ? 2 : 1);
        const place = { start, next, isKnown: false };
        trie.prefixes(text, start, (id, end) => {
          offer(place.start, end, id, scores[id] as number);
          place.isKnown ||= end === place.next;
        });
        if (!place.isKnown) offer(start, next, unkId, unknown);
      }
      const found: number[] = [];
      for (let end = size; end > 0; end = from[end] as number) {
        const id = last[end] as number;
        if (id !== unkId || found.at(-1) !== unkId) found.push(id);
      }
      return found.reverse();
    },
  };
}
