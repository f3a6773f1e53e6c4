/** Whole blocks of a transformer in a recording, of which nothing but the result is read: one kernel (native/block.cc) computes each. */
import type { OpAttribute } from './backend.ts';
import type { RecordedOp } from './record.ts';

/** Numbers are ids of tensors. */
export interface Block {
  readonly x: number;
  /** Queries, keys and values; output; up; down. */
  readonly matrices: readonly number[];
  /** In the order in which the kernel takes them. */
  readonly vectors: readonly number[];
  readonly segments: number;
  readonly heads: OpAttribute;
  readonly epsilon: OpAttribute;
  /** Its ops but the last. */
  readonly inner: readonly RecordedOp[];
}

export interface Readings {
  readonly producerOf: (id: number) => RecordedOp | undefined;
  /** How often a tensor is read. */
  readonly usesOf: (id: number) => number;
}

/** From the end to the start, each the first input of the one before, with how often its result is read: a gradient would read it as well. */
const CHAIN = [['MatMul', 1], ['MtmtBiasGelu', 1], ['MatMul', 1], ['MtmtLayerNorm', 2], ['MatMul', 1], ['MtmtAttention', 1], ['MatMul', 1]] as const;

/** @param last the op that gives the block's result, if it is one */
export function blockEndingWith(last: RecordedOp, { producerOf, usesOf }: Readings): Block | undefined {
  if (last.op !== 'MtmtLayerNorm') return undefined;
  const inner: RecordedOp[] = [];
  for (const [op, uses] of CHAIN) {
    const found = producerOf((inner.at(-1) ?? last).inputs[0] as number);
    if (found?.op !== op || !found.outputs.every(({ id }, index) => usesOf(id) === (index === 0 ? uses : 0))) return undefined;
    inner.push(found);
  }
  const [down, gelu, up, middle, output, attention, qkv] = inner as [RecordedOp, RecordedOp, RecordedOp, RecordedOp, RecordedOp, RecordedOp, RecordedOp];
  const x = qkv.inputs[0] as number;
  const heads = attributeOf(attention, 'heads');
  const epsilon = attributeOf(last, 'epsilon');
  const isWhole = middle.inputs[2] === x && last.inputs[2] === middle.outputs[0]?.id && attributeOf(middle, 'epsilon')?.value === epsilon?.value;
  const isPlain = [qkv, output, up, down].every(isLinear) && [attention, middle, last].every((op) => attributeOf(op, 'rate')?.value === 0);
  if (!isWhole || !isPlain || heads === undefined || epsilon === undefined) return undefined;
  const bias = attention.inputs[1] as number;
  const joined = producerOf(bias);
  const isJoinedHere = joined?.op === 'ConcatV2' && usesOf(bias) === 1;
  const normed = ({ inputs }: RecordedOp): number[] => [inputs[1], inputs[3], inputs[4]] as number[];
  return {
    x,
    matrices: [qkv, output, up, down].map(({ inputs }) => inputs[1] as number),
    // those that are joined for this block alone are joined with all others at once
    vectors: [...(isJoinedHere ? joined.inputs.slice(0, -1) : [bias]), ...normed(middle), gelu.inputs[1] as number, ...normed(last)],
    segments: attention.inputs[2] as number,
    heads,
    epsilon,
    inner: isJoinedHere ? [...inner, joined] : inner,
  };
}

/** `x w^T`, as ops.ts makes it. */
function isLinear(op: RecordedOp): boolean {
  return attributeOf(op, 'transpose_a')?.value === false && attributeOf(op, 'transpose_b')?.value === true;
}

function attributeOf({ attrs }: RecordedOp, name: string): OpAttribute | undefined {
  return attrs.find((attr) => attr.name === name);
}
