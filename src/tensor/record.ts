/**
 * Records what TensorFlow ops a function of tensors executes. tfjs-node runs every op through its addon's `executeOp`, so recording there
 * sees gradients, broadcasts and everything else that tfjs does. What is recorded is not computed: tensors are symbols, with a shape and no values.
 */
import { fail } from '../errors.ts';
import { nodeBackend, type Binding, type OpAttribute, type Tensor, type TensorInfo } from './backend.ts';
import { outputsOf } from './output-shapes.ts';

export interface RecordedOp {
  readonly op: string;
  readonly attrs: readonly OpAttribute[];
  readonly inputs: readonly number[];
  readonly outputs: readonly TensorInfo[];
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

/** -1 marks tensors that tfjs-node has not handed over yet, and only ids from 0 are freed: symbols are below. */
let nextSymbol = -2;

/** A tensor without values, to record with. The caller disposes it. @param dtype a value of DataType */
export function symbol(shape: readonly number[], dtype: number): { tensor: Tensor; info: TensorInfo } {
  const info = { id: nextSymbol--, shape: [...shape], dtype };
  return { tensor: nodeBackend().createOutputTensor({ ...info, shape: [...shape] }), info };
}

/**
 * Runs `fn` once.
 * @param given the symbols that it may read
 * @throws STEP_NOT_RECORDABLE naming the op that reads anything else, or after which values are read in JavaScript
 */
export function record<T>(fn: () => T, given: readonly TensorInfo[]): Recording<T> {
  const backend = nodeBackend();
  const real = backend.binding;
  const ops: RecordedOp[] = [];
  const constants = new Map<number, RecordedConstant>();
  const symbols = new Map(given.map((info) => [info.id, info]));
  // the addon's properties are not writable, so an object that inherits from it would silently ignore these assignments
  const recorder = copyOf(real);
  recorder.createTensor = (shape, dtype, values) => {
    const id = real.createTensor(shape, dtype, values);
    constants.set(id, { shape: shape.slice(), dtype, values });
    return id;
  };
  recorder.executeOp = (op, attrs, inputs, count) => {
    const sources = inputs.map((id) => {
      const source = constants.get(id) ?? symbols.get(id);
      if (source === undefined) throw fail('STEP_NOT_RECORDABLE', { op, detail: `reads tensor ${id}, which was neither recorded nor given` });
      return { ...source, id };
    });
    const outputs = outputsOf(real, { op, attrs, inputs: sources, count }).map((output) => ({ ...output, id: nextSymbol-- }));
    for (const output of outputs) symbols.set(output.id, output);
    const kept = attrs.map((attr) => ({ ...attr, value: Array.isArray(attr.value) ? attr.value.slice() : attr.value }));
    ops.push({ op, attrs: kept, inputs: inputs.slice(), outputs });
    return outputs.map(({ id, shape, dtype }) => ({ id, shape: [...shape], dtype }));
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
