/**
 * Soft tags drawn towards what the recognizers say of words like the word: those of its form elsewhere in the corpus, and its nearest neighbours in
 * the evaluator's space (after CoLaDa, ACL 2023, whose neighbours weigh pseudo-labels; here they have a share in them). A recognizer that misreads
 * a name in one sentence knows it in another, and no label of the target language is needed to see that.
 */
import { random } from '../corpora/random.ts';
import { tf, type Tensor } from '../tensor/backend.ts';

export interface AgreementOptions {
  /** Shares of a word's soft tags, 0 to 1. */
  readonly formShare: number;
  readonly neighbourShare: number;
}

export interface TaughtCorpus {
  /** The recognizers' distributions, `[words, tags]`. */
  readonly probs: Float32Array;
  readonly tags: number;
  /** Index of the tag `O`. */
  readonly outside: number;
  /** Of each word. */
  readonly forms: readonly string[];
  /** The first evaluator's, `[words, hidden]`. */
  readonly vectors: Float32Array;
}

/** Words that are O for sure are most of a corpus, and have no neighbour to learn from: nothing is gained by comparing them. */
const SURELY_OUTSIDE = 0.98;
const NEIGHBOURS = 16;
/** Words that neighbours are looked for among, drawn at random where there are more: the time is linear in the corpus, some 5 s for 60,000 candidates on two cores. */
const POOL = 24_576;
const POOL_SEED = 20_220;
/** Words compared with the pool at once: 100 MB of similarities. */
const AT_ONCE = 1024;

/** How many of the words that are compared with others have been. */
export interface Compared {
  readonly done: number;
  readonly of: number;
}

/** Yields at each stretch of some 100 ms. @returns `[words, tags]`; each row is a distribution, as each row of `probs` is */
export function* agreed(corpus: TaughtCorpus, { formShare, neighbourShare }: AgreementOptions): Generator<Compared, Float32Array> {
  const withNeighbours = neighbourShare === 0 ? corpus.probs : mix(corpus.probs, yield* neighbourMeans(corpus), neighbourShare);
  return formShare === 0 ? withNeighbours : mix(withNeighbours, formMeans(corpus), formShare);
}

/** What is said of the form's other occurrences; of a form that occurs once, of the word itself. */
export function formMeans({ probs, tags, forms }: Pick<TaughtCorpus, 'probs' | 'tags' | 'forms'>): Float32Array {
  const sums = new Map<string, { readonly sum: Float64Array; count: number }>();
  forms.forEach((form, word) => {
    const of = sums.get(form) ?? { sum: new Float64Array(tags), count: 0 };
    sums.set(form, of);
    of.count++;
    for (let tag = 0; tag < tags; tag++) of.sum[tag] = (of.sum[tag] as number) + (probs[word * tags + tag] as number);
  });
  const means = probs.slice();
  forms.forEach((form, word) => {
    const { sum, count } = sums.get(form) as { sum: Float64Array; count: number };
    if (count === 1) return;
    for (let i = word * tags, tag = 0; tag < tags; i++, tag++) means[i] = ((sum[tag] as number) - (probs[i] as number)) / (count - 1);
  });
  return means;
}

/** What is said of the 16 words nearest by cosine, the word itself left out; of a word that is O for sure, of the word itself. */
export function* neighbourMeans(corpus: Pick<TaughtCorpus, 'probs' | 'tags' | 'outside' | 'vectors'>): Generator<Compared, Float32Array> {
  const { probs, tags, outside, vectors } = corpus;
  const words = probs.length / tags;
  const hidden = vectors.length / words;
  const candidates = Array.from({ length: words }, (_, word) => word).filter((word) => (probs[word * tags + outside] as number) < SURELY_OUTSIDE);
  const pool = candidates.length <= POOL ? candidates : random(POOL_SEED).shuffle([...candidates]).slice(0, POOL);
  const means = probs.slice();
  if (pool.length < 2) return means;
  const among = directions(vectors, hidden, pool);
  try {
    for (let first = 0; first < candidates.length; first += AT_ONCE) {
      yield { done: first, of: candidates.length };
      const asked = candidates.slice(first, first + AT_ONCE);
      const nearest = nearestOf(directions(vectors, hidden, asked), among);
      const found = nearest.length / asked.length;
      asked.forEach((word, index) => {
        const others = Array.from(nearest.subarray(index * found, (index + 1) * found), (at) => pool[at] as number).filter((other) => other !== word).slice(0, NEIGHBOURS);
        for (let tag = 0; tag < tags; tag++) means[word * tags + tag] = others.reduce((sum, other) => sum + (probs[other * tags + tag] as number), 0) / others.length;
      });
    }
  } finally {
    among.dispose();
  }
  return means;
}

/** Unit vectors of the words, `[words, hidden]`. */
function directions(vectors: Float32Array, hidden: number, words: readonly number[]): Tensor {
  const chosen = new Float32Array(words.length * hidden);
  words.forEach((word, index) => {
    const vector = vectors.subarray(word * hidden, (word + 1) * hidden);
    const norm = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    chosen.set(norm === 0 ? vector : vector.map((value) => value / norm), index * hidden);
  });
  return tf.tensor2d(chosen, [words.length, hidden]);
}

/** Rows of `among` by falling cosine: one more than the neighbours that are wanted, for a word finds itself. Disposes `asked`. */
function nearestOf(asked: Tensor, among: Tensor): Int32Array {
  const count = Math.min(NEIGHBOURS + 1, among.shape[0]);
  const indices = tf.tidy(() => tf.topk(tf.matMul(asked, among, false, true), count).indices);
  const nearest = indices.dataSync() as Int32Array;
  tf.dispose([asked, indices]);
  return nearest;
}

function mix(own: Float32Array, others: Float32Array, share: number): Float32Array {
  return own.map((value, index) => (1 - share) * value + share * (others[index] as number));
}
