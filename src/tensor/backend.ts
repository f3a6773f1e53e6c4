/** Loads TensorFlow through @tensorflow/tfjs-node-gpu, once a process, and tells which device it got. Never falls back to a slower backend. */
import { createRequire } from 'node:module';
import util from 'node:util';
import type * as TensorFlow from '@tensorflow/tfjs-node-gpu';
import { fail } from '../errors.ts';

export type TF = typeof TensorFlow;
export type Tensor = TensorFlow.Tensor;
export type Scalar = TensorFlow.Scalar;

/** TensorFlow.js over libtensorflow; defined after `loadBackend`. */
export let tf: TF;

export interface BackendInfo {
  /** 'cpu', or 'gpu:0' */
  readonly device: string;
  readonly isGpu: boolean;
  /** For people and rows: 'tfjs-node-gpu 4.22.0, libtensorflow 2.21.0' */
  readonly backend: string;
  readonly libtensorflow: string;
}

/** What we use of the addon's binding; tfjs-node keeps it untyped. */
export interface Binding {
  readonly TF_Version: string;
  createTensor(shape: number[], dtype: number, values: ArrayLike<number>): number;
  executeOp(op: string, attrs: OpAttribute[], inputIds: number[], outputs: number): { id: number; shape: number[]; dtype: number }[];
  tensorDataSync(id: number): ArrayLike<number>;
}
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}
/** What we use of tfjs-node's backend beyond its public types. */
export interface NodeBackend {
  binding: Binding;
  readonly isUsingGpuDevice: boolean;
  executeSingleOutput(op: string, attrs: OpAttribute[], inputs: Tensor[]): Tensor;
  executeMultipleOutputs(op: string, attrs: OpAttribute[], inputs: Tensor[], outputs: number): Tensor[];
  getInputTensorIds(inputs: Tensor[]): number[];
  loadSavedModelMetaGraph(directory: string, tags: string): number;
  runSavedModel(session: number, inputs: Tensor[], inputNames: { name: string }[], outputNames: string[]): Tensor[];
  deleteSavedModel(session: number): void;
  getNumOfTFTensors(): number;
}

let loaded: BackendInfo | undefined;

/**
 * @param device 'auto' takes a GPU where libtensorflow finds one, 'cpu' hides it, a number asks for that GPU
 * @throws BACKEND_UNAVAILABLE when the addon cannot be loaded, DEVICE_UNAVAILABLE when a GPU was asked for and none is used
 */
export async function loadBackend({ device }: { device: 'auto' | 'cpu' | number }): Promise<BackendInfo> {
  if (loaded !== undefined) return loaded;
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  if (device === 'cpu') process.env['CUDA_VISIBLE_DEVICES'] = '-1';
  if (typeof device === 'number') process.env['CUDA_VISIBLE_DEVICES'] = String(device);
  defineRemovedUtilities();
  try {
    tf = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu') as TF;
    await tf.ready();
  } catch (cause) {
    throw fail('BACKEND_UNAVAILABLE', { detail: cause instanceof Error ? cause.message : String(cause) }, { cause });
  }
  if (tf.getBackend() !== 'tensorflow') throw fail('BACKEND_UNAVAILABLE', { detail: `tfjs chose the backend "${tf.getBackend()}"` });
  const backend = nodeBackend();
  const isGpu = backend.isUsingGpuDevice;
  if (typeof device === 'number' && !isGpu) throw fail('DEVICE_UNAVAILABLE', { expected: `gpu:${device}`, found: 'cpu' });
  const libtensorflow = backend.binding.TF_Version;
  loaded = Object.freeze({
    device: isGpu ? `gpu:${typeof device === 'number' ? device : 0}` : 'cpu',
    isGpu,
    backend: `tfjs-node-gpu ${tf.version['tfjs-node']}, libtensorflow ${libtensorflow}`,
    libtensorflow,
  });
  return loaded;
}

export function nodeBackend(): NodeBackend {
  return tf.backend() as unknown as NodeBackend;
}

/** tfjs-node 4.22 calls util.isNullOrUndefined and isArray, which Node 23 removed. */
function defineRemovedUtilities(): void {
  const legacy = util as unknown as Record<string, unknown>;
  legacy['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  legacy['isArray'] ??= Array.isArray;
}
