/** Tag heads: new ones, and the two of a student (one for each side of a pair) made the one head as which they are saved. */
import { random } from '../corpora/random.ts';
import { HEAD_BIAS, HEAD_WEIGHT, RIGHT_HEAD_BIAS, RIGHT_HEAD_WEIGHT } from '../models/names.ts';
import type { NamedTensor, NamedTensors } from '../tensor/safetensors.ts';

/** Spread of a new head's weights (BERT's initializer_range). */
const HEAD_SPREAD = 0.02;
/** Right head -> left head, whose name the one head keeps. */
const SIDES: Readonly<Record<string, string>> = { [RIGHT_HEAD_WEIGHT]: HEAD_WEIGHT, [RIGHT_HEAD_BIAS]: HEAD_BIAS };

export function isHead(name: string): boolean {
  return name in SIDES || Object.values(SIDES).includes(name);
}

export function headNames(heads: 'one' | 'two'): string[] {
  return [...Object.values(SIDES), ...(heads === 'two' ? Object.keys(SIDES) : [])];
}

/** Random weights, others for each head, and biases of zero. */
export function newHeads({ heads, numTags, hiddenSize, seed }: { heads: 'one' | 'two'; numTags: number; hiddenSize: number; seed: number }): NamedTensors {
  const generator = random(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - generator.next())) * Math.cos(2 * Math.PI * generator.next());
  const tensorOf = (name: string): NamedTensor =>
    name.endsWith('.bias')
      ? { shape: [numTags], data: new Float32Array(numTags) }
      : { shape: [numTags, hiddenSize], data: Float32Array.from({ length: numTags * hiddenSize }, () => HEAD_SPREAD * normal()) };
  return Object.fromEntries(headNames(heads).map((name) => [name, tensorOf(name)]));
}

/** With one head of the mean weights in the place of two: it gives the mean of their logits, and every reader of checkpoints knows it. */
export function withOneHead(weights: NamedTensors): NamedTensors {
  const { [RIGHT_HEAD_WEIGHT]: _, [RIGHT_HEAD_BIAS]: __, ...rest } = weights;
  const means: Record<string, NamedTensor> = {};
  for (const [right, left] of Object.entries(SIDES)) {
    const [a, b] = [weights[left], weights[right]];
    if (a !== undefined && b !== undefined) means[left] = { shape: a.shape, data: a.data.map((value, index) => (value + (b.data[index] as number)) / 2) };
  }
  return { ...rest, ...means };
}

/** The inverse for a student with two heads: both are the one. */
export function withBothHeads(weights: NamedTensors): NamedTensors {
  const rights: Record<string, NamedTensor> = {};
  for (const [right, left] of Object.entries(SIDES)) if (weights[left] !== undefined) rights[right] = weights[left];
  return { ...weights, ...rights };
}
