/**
 * Records what TensorFlow ops a function of tensors executes. tfjs-node runs every op through its addon's `executeOp`,
 * so recording there sees gradients, broadcasts and everything else that tfjs does.
 */
import { fail } from '../errors.ts';
import { nodeBackend, type Binding, type OpAttribute } from './backend.ts';

export interface RecordedOp {
  readonly op: string;
  readonly attrs: readonly OpAttribute[];
  readonly inputs: readonly number[];
  readonly outputs: readonly { readonly id: number; readonly shape: readonly number[]; readonly dtype: number }[];
}
/** A tensor that was made from values in JavaScript while recording. */
export interface RecordedConstant {
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values: ArrayLike<number>;
}
export interface Recording<T> {
  readonly ops: readonly RecordedOp[];
  readonly constants: ReadonlyMap<number, RecordedConstant>;
  readonly result: T;
}

/** Runs `fn` once, op by op, and returns its ops in order. Tensor ids are the addon's. */
export function record<T>(fn: () => T): Recording<T> {
  const backend = nodeBackend();
  const real = backend.binding;
  const ops: RecordedOp[] = [];
  const constants = new Map<number, RecordedConstant>();
  // the addon's properties are not writable, so an object that inherits from it would silently ignore these assignments
  const recorder = copyOf(real);
  recorder.createTensor = (shape, dtype, values) => {
    const id = real.createTensor(shape, dtype, values);
    constants.set(id, { shape: shape.slice(), dtype, values });
    return id;
  };
  recorder.executeOp = (op, attrs, inputs, count) => {
    const outputs = real.executeOp(op, attrs, inputs, count);
    const kept = attrs.map((attr) => ({ ...attr, value: Array.isArray(attr.value) ? attr.value.slice() : attr.value }));
    ops.push({ op, attrs: kept, inputs: inputs.slice(), outputs: outputs.map(({ id, shape, dtype }) => ({ id, shape: shape.slice(), dtype })) });
    return outputs;
  };
  recorder.tensorDataSync = () => {
    throw fail('STEP_NOT_RECORDABLE', { op: ops.at(-1)?.op ?? 'the first op', detail: 'is followed by reading a tensor’s values in JavaScript' });
  };
  backend.binding = recorder;
  try {
    return { ops, constants, result: fn() };
  } finally {
    backend.binding = real;
  }
}

function copyOf(binding: Binding): Binding {
  const source = binding as unknown as Record<string, unknown>;
  const copy: Record<string, unknown> = {};
  for (const key of Object.getOwnPropertyNames(source)) {
    const value = source[key];
    copy[key] = typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(binding) : value;
  }
  return copy as unknown as Binding;
}
