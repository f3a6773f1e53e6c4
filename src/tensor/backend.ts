/** Loads TensorFlow through @tensorflow/tfjs-node-gpu, once a process, and tells which device it got. Never falls back to a slower backend. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
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
  /** Whose kernels run the parts of a transformer: ours (CPU), or TensorFlow's ops. */
  readonly kernels: 'native' | 'composed';
}

/** What we use of the addon's binding; tfjs-node keeps it untyped. */
export interface Binding {
  readonly TF_Version: string;
  createTensor(shape: number[], dtype: number, values: ArrayLike<number>): number;
  deleteTensor(id: number): void;
  executeOp(op: string, attrs: OpAttribute[], inputIds: number[], outputs: number): { id: number; shape: number[]; dtype: number }[];
  tensorDataSync(id: number): ArrayLike<number>;
}
/** A tensor of the addon, by its number; `dtype` is a value of DataType. */
export interface TensorInfo {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
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
  createOutputTensor(info: { id: number; shape: number[]; dtype: number }): Tensor;
  executeSingleOutput(op: string, attrs: OpAttribute[], inputs: Tensor[]): Tensor;
  executeMultipleOutputs(op: string, attrs: OpAttribute[], inputs: Tensor[], outputs: number): Tensor[];
  getInputTensorIds(inputs: Tensor[]): number[];
  loadSavedModelMetaGraph(directory: string, tags: string): number;
  runSavedModel(session: number, inputs: Tensor[], inputNames: { name: string }[], outputNames: string[]): Tensor[];
  deleteSavedModel(session: number): void;
  getNumOfTFTensors(): number;
}

/** What our module (native/) gives to JavaScript. */
interface NativeModule {
  /** How it multiplies matrices of bfloat16: by matrix tiles (AMX), by vectors (AVX-512 BF16), or not at all. */
  readonly product: 'tiles' | 'vectors' | '';
  mapFile(fd: number): ArrayBuffer;
  giveBackMemory(): void;
}

let loaded: BackendInfo | undefined;
let nativeModule: NativeModule | undefined;

/** Beside the addon, where the set-up puts what it builds of native/. */
const KERNELS = 'lib/mtmt-kernels.node';
/** Where it is missing there is no GPU. */
const NVIDIA = '/dev/nvidiactl';

export interface BackendOptions {
  readonly device: 'auto' | 'cpu' | number;
  readonly kernels?: 'native' | 'composed';
  readonly xla?: boolean;
  readonly returnsMemory?: boolean;
}

/**
 * @param kernels 'composed' leaves our module out; a GPU has no use for its kernels
 * @param device 'auto' takes a GPU where libtensorflow finds one, 'cpu' hides it, a number asks for that GPU
 * @param xla lets TensorFlow compile clusters of ops as they are first run; slow to start, and slower than our kernels on a CPU
 * @param returnsMemory for a process that loads and drops models: on a CPU, TensorFlow with oneDNN otherwise keeps what was freed for itself
 * @throws BACKEND_UNAVAILABLE when the addon cannot be loaded, DEVICE_UNAVAILABLE when a GPU was asked for and none is used
 */
export async function loadBackend({ device, kernels = 'native', xla = false, returnsMemory = false }: BackendOptions): Promise<BackendInfo> {
  if (loaded !== undefined) return loaded;
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  // read by libtensorflow when it makes its first session; a value set by hand goes first
  // float32 is float32: TensorFlow would multiply by TF32 on a GPU, with errors of 1e-2 where 1e-5 is right (measured on an H100)
  process.env['NVIDIA_TF32_OVERRIDE'] ??= '0';
  if (returnsMemory) process.env['TF_ONEDNN_USE_SYSTEM_ALLOCATOR'] ??= '1';
  if (xla) process.env['TF_XLA_FLAGS'] ??= '--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit';
  // Our kernels share their loops among all cores themselves. Two threads that start ops hand small ones to and fro, at worst on one core: a sentence
  // took 3.7 ms with two, and 3.0 with one. Read as the addon is loaded; whether it uses a GPU is known only then.
  if (kernels === 'native' && (device === 'cpu' || !existsSync(NVIDIA))) process.env['TF_NUM_INTEROP_THREADS'] ??= '1';
  if (device === 'cpu') process.env['CUDA_VISIBLE_DEVICES'] = '-1';
  // of several GPUs the addon's own ops would take the last and sessions the first
  if (device === 'auto') process.env['CUDA_VISIBLE_DEVICES'] ??= '0';
  if (typeof device === 'number') process.env['CUDA_VISIBLE_DEVICES'] = String(device);
  defineRemovedUtilities();
  const require = createRequire(import.meta.url);
  try {
    tf = require('@tensorflow/tfjs-node-gpu') as TF;
    await tf.ready();
  } catch (cause) {
    throw unavailable(cause);
  }
  if (tf.getBackend() !== 'tensorflow') throw fail('BACKEND_UNAVAILABLE', { detail: `tfjs chose the backend "${tf.getBackend()}"` });
  const backend = nodeBackend();
  const isGpu = backend.isUsingGpuDevice;
  if (kernels === 'native') nativeModule = loadNative(join(dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json')), KERNELS));
  if (typeof device === 'number' && !isGpu) throw fail('DEVICE_UNAVAILABLE', { expected: `gpu:${device}`, found: 'cpu' });
  const libtensorflow = backend.binding.TF_Version;
  loaded = Object.freeze({
    device: isGpu ? `gpu:${typeof device === 'number' ? device : 0}` : 'cpu',
    isGpu,
    backend: `tfjs-node-gpu ${tf.version['tfjs-node']}, libtensorflow ${libtensorflow}`,
    libtensorflow,
    kernels: isGpu ? 'composed' : kernels,
  });
  return loaded;
}

/** @throws BACKEND_UNAVAILABLE before `loadBackend` */
export function backendInfo(): BackendInfo {
  if (loaded === undefined) throw fail('BACKEND_UNAVAILABLE', { detail: 'it has not been loaded' });
  return loaded;
}

export function hasNativeKernels(): boolean {
  return loaded?.kernels === 'native';
}

/** What of this processor multiplies matrices of bfloat16 in a kernel of ours; '': TensorFlow multiplies them. */
export function nativeProduct(): 'tiles' | 'vectors' | '' {
  return hasNativeKernels() ? (nativeModule?.product ?? '') : '';
}

/** Whether products of bfloat16 are faster here than those of float32: a GPU's, or those of a kernel of ours. */
export function hasFastBfloat16(): boolean {
  return backendInfo().isGpu || nativeProduct() !== '';
}

/**
 * The bytes of an open file as memory, which all processes share and of which only what is read is there. The file must not shrink.
 * @returns null where our module is not loaded
 */
export function mapFile(fd: number): ArrayBuffer | null {
  return nativeModule?.mapFile(fd) ?? null;
}

/**
 * Returns to the system what this process holds and does not use: memory that was freed, and what of libtensorflow was read only to link and start
 * it (some 250 MB). For after a model was loaded or dropped: it takes some 10 ms. Nothing happens where our module is not loaded.
 */
export function giveBackMemory(): void {
  nativeModule?.giveBackMemory();
}

/** Loading makes the kernels known to TensorFlow. */
function loadNative(path: string): NativeModule {
  try {
    const module = { exports: {} };
    process.dlopen(module, path);
    return module.exports as NativeModule;
  } catch (cause) {
    throw unavailable(cause);
  }
}

function unavailable(cause: unknown): Error {
  return fail('BACKEND_UNAVAILABLE', { detail: cause instanceof Error ? cause.message : String(cause) }, { cause });
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
