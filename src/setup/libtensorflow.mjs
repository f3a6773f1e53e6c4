// @ts-check
// libtensorflow out of the Python wheel, in the cache, and the link by which the addon finds it.
//
// The layout is `lib/`, `include/` and, with a GPU, `nvidia/<library>/lib/`: the wheel's own libraries look for CUDA at
// `$ORIGIN/../nvidia/<library>/lib`, so no LD_LIBRARY_PATH is needed, in this process or in any child. But libtensorflow_framework, which opens
// cuSOLVER, does not look in that one's folder, and without it TensorFlow uses no GPU: it is linked where the framework looks.
import { existsSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CPU_WHEEL, CUDA_WHEELS, GPU_WHEEL, TENSORFLOW_VERSION } from './libtensorflow-wheels.mjs';
import { CACHE, hasNvidiaDriver, TFJS } from './paths.mjs';
import { downloadWheel, extractWheel } from './wheels.mjs';

const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
/** What the framework opens -> where it lies. */
const CUSOLVER_LINK = ['nvidia/cusparse/lib/libcusolver.so.11', '../../cusolver/lib/libcusolver.so.11'];
/** Included by tensorflow/c/kernels.h, which our kernels need and the addon does not. */
const KERNELS_HEADER = 'tensorflow/core/common_runtime/next_pluggable_device/c/tf_rendezvous_c_api.h';
/** The addon and the kernels include TensorFlow's C headers, which include these. */
const HEADERS = ['tensorflow/c/', 'tensorflow/core/platform/', 'xla/tsl/', 'tsl/', KERNELS_HEADER];
/** Names that the addon's build and older programs ask for. */
const LINKS = [
  ['libtensorflow.so', 'libtensorflow_cc.so.2'],
  ['libtensorflow.so.2', 'libtensorflow_cc.so.2'],
  ['libtensorflow_framework.so', 'libtensorflow_framework.so.2'],
];

// An image is built on another machine than it runs on, and says which one it is for.
const variant = process.env['LIBTENSORFLOW'] || (hasNvidiaDriver() ? 'gpu' : 'cpu');
if (variant !== 'gpu' && variant !== 'cpu') throw new Error(`LIBTENSORFLOW is "${variant}", expected cpu or gpu`);
const wheel = variant === 'gpu' ? GPU_WHEEL : CPU_WHEEL;

export const LIBTENSORFLOW_NAME = `libtensorflow ${TENSORFLOW_VERSION} (${variant === 'gpu' ? 'with CUDA' : 'CPU'})`;
export const LIBTENSORFLOW_ID = `libtensorflow-${TENSORFLOW_VERSION}-${variant}`;
export const LIBTENSORFLOW = join(CACHE, LIBTENSORFLOW_ID);

export async function hasLibtensorflow() {
  const library = await stat(join(LIBTENSORFLOW, 'lib', 'libtensorflow_cc.so.2')).catch(() => null);
  // Unpacked before there were kernels, it lacks the header, and before a GPU was tried, the link.
  const hasCuda = variant === 'cpu' || existsSync(join(LIBTENSORFLOW, CUSOLVER_LINK[0] ?? ''));
  return library?.size === wheel.libraryBytes && existsSync(join(LIBTENSORFLOW, 'include', KERNELS_HEADER)) && hasCuda;
}

/** @param {import('./progress.mjs').Line} line */
export async function installLibtensorflow(line) {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, '.libtensorflow-'));
  try {
    await addWheel(wheel, (name) => placeOfTensorflow(folder, name), line);
    for (const [name = '', target = ''] of LINKS) await symlink(target, join(folder, 'lib', name));
    if (variant === 'gpu') {
      const [link = '', target = ''] = CUSOLVER_LINK;
      for (const cuda of CUDA_WHEELS) await addWheel(cuda, (name) => placeOfCuda(folder, name), line);
      await symlink(target, join(folder, link));
      // XLA runs it; a zip read by hand loses the mode.
      await chmod(join(folder, 'nvidia/cuda_nvcc/bin/ptxas'), 0o755);
    }
    await chmod(folder, 0o755); // mkdtemp makes it 0700, and another user may run the service
    await rm(LIBTENSORFLOW, { recursive: true, force: true });
    await rename(folder, LIBTENSORFLOW);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function isLibtensorflowLinked() {
  return (await readlink(join(TFJS, 'deps')).catch(() => null)) === LIBTENSORFLOW;
}

export async function linkLibtensorflow() {
  const link = join(TFJS, 'deps');
  const found = await lstat(link).catch(() => null);
  if (found !== null) await rm(link, { recursive: found.isDirectory(), force: true });
  await symlink(LIBTENSORFLOW, link);
}

/**
 * @param {import('./wheels.mjs').Wheel} from
 * @param {(name: string) => string | null} place
 * @param {import('./progress.mjs').Line} line
 */
async function addWheel(from, place, line) {
  const downloaded = await downloadWheel(from, {
    directory: CACHE,
    onProgress: (done, of) => line.bytes(`downloading ${from.name}`, done, of),
  });
  try {
    await extractWheel(downloaded.path, place, (done, of) => line.bytes(`unpacking ${from.name}`, done, of));
  } finally {
    await downloaded.remove();
  }
}

/** @param {string} folder @param {string} name @returns {string | null} */
function placeOfTensorflow(folder, name) {
  const inside = name.startsWith('tensorflow/') ? name.slice('tensorflow/'.length) : '';
  if (LIBRARIES.includes(inside)) return join(folder, 'lib', inside);
  const header = inside.startsWith('include/') ? inside.slice('include/'.length) : '';
  return HEADERS.some((start) => header.startsWith(start)) ? join(folder, 'include', header) : null;
}

/** @param {string} folder @param {string} name @returns {string | null} */
function placeOfCuda(folder, name) {
  const isWanted = /^nvidia\/[^/]+\/lib\/[^/]+\.so[^/]*$/.test(name) || /^nvidia\/cuda_nvcc\/(bin\/ptxas|nvvm\/libdevice\/.*)$/.test(name);
  return isWanted ? join(folder, name) : null;
}
