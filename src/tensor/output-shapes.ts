/**
 * Shapes and types of what an op gives, learned from TensorFlow itself: the op is executed once for each combination of its attributes, input
 * shapes and constants, on zeros. A transformer's layers are alike, so that a step of hundreds of ops executes some dozens.
 */
import { fail } from '../errors.ts';
import type { Binding, OpAttribute, TensorInfo } from './backend.ts';
import { DataType } from './proto.ts';

export interface OpCall {
  readonly op: string;
  readonly attrs: readonly OpAttribute[];
  /** With values: a constant, there under its id. Without: a symbol. */
  readonly inputs: readonly (TensorInfo & { readonly values?: ArrayLike<number> })[];
  readonly count: number;
}
type Output = Omit<TensorInfo, 'id'>;

/** What these give depends on values, which a symbol has not. */
const SHAPED_BY_VALUES = new Set(['Where', 'Unique', 'UniqueV2', 'BooleanMask', 'DynamicPartition', 'NonMaxSuppressionV3', 'NonMaxSuppressionV5', 'SparseToDense']);
/** Longer constants are data, never shapes or axes. */
const MAX_SHAPING = 64;

const known = new Map<string, readonly Output[]>();

/** @throws STEP_NOT_RECORDABLE where the shape depends on values, or TensorFlow refuses the op */
export function outputsOf(binding: Binding, call: OpCall): readonly Output[] {
  if (SHAPED_BY_VALUES.has(call.op)) throw fail('STEP_NOT_RECORDABLE', { op: call.op, detail: 'gives a tensor whose shape depends on values' });
  const key = keyOf(call);
  const outputs = known.get(key) ?? execute(binding, call);
  known.set(key, outputs);
  return outputs;
}

function keyOf({ op, attrs, inputs, count }: OpCall): string {
  const shapes = inputs.map(({ shape, dtype, values }) => [dtype, shape, values !== undefined && values.length <= MAX_SHAPING ? Array.from(values) : null]);
  return JSON.stringify([op, count, attrs.map(({ name, value }) => [name, value]), shapes]);
}

function execute(binding: Binding, { op, attrs, inputs, count }: OpCall): Output[] {
  const made: number[] = [];
  try {
    const ids = inputs.map(({ id, shape, dtype, values }) => {
      if (values !== undefined) return id;
      const zeros = zerosOf(binding, shape, dtype);
      made.push(zeros);
      return zeros;
    });
    const outputs = binding.executeOp(op, [...attrs], ids, count);
    made.push(...outputs.map(({ id }) => id));
    return outputs.map(({ shape, dtype }) => ({ shape, dtype }));
  } catch (cause) {
    throw fail('STEP_NOT_RECORDABLE', { op, detail: `cannot run: ${cause instanceof Error ? cause.message : String(cause)}` }, { cause });
  } finally {
    for (const id of made) binding.deleteTensor(id);
  }
}

/** Filled by TensorFlow: a big one is not made in JavaScript. */
function zerosOf(binding: Binding, shape: readonly number[], dtype: number): number {
  const dims = binding.createTensor([shape.length], DataType.int32, Int32Array.from(shape));
  const zero = binding.createTensor([], dtype, dtype === DataType.float32 ? new Float32Array(1) : dtype === DataType.bool ? new Uint8Array(1) : new Int32Array(1));
  const attrs = [{ name: 'T', type: 4, value: dtype }, { name: 'index_type', type: 4, value: DataType.int32 }];
  const [filled] = binding.executeOp('Fill', attrs, [dims, zero], 1);
  binding.deleteTensor(dims);
  binding.deleteTensor(zero);
  return (filled as TensorInfo).id;
}
