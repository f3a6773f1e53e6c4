// Looks at what the service needs and says what is wrong and what to do; changes nothing but what a start would make.
import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { backendOptions, loadConfig, type Config } from '../config.ts';
import { findEncoder, installedEncoders } from '../encoders/registry.ts';
import { hasKernels } from '../setup/kernels.mjs';
import { hasNvidiaDriver, TFJS } from '../setup/paths.mjs';
import { openStorage } from '../storage/open.ts';
import { startPostgres } from '../store/postgres.ts';
import { openStore } from '../store/store.ts';
import { loadBackend, nativeProduct } from '../tensor/backend.ts';

/** A run's checkpoints and caches of teacher outputs. */
const ENOUGH_DISK_BYTES = 5e9;
const PRODUCTS = { tiles: 'matrix tiles (AMX)', vectors: 'vectors (AVX-512 BF16)', '': 'TensorFlow: this processor has neither AMX nor AVX-512 BF16' } as const;

/** All that TensorFlow opens: where one is missing it uses no GPU. As libtensorflow looks for them (setup/libtensorflow.mjs). */
const CUDA_LIBRARIES = {
  'CUDA runtime': 'cuda_runtime/lib/libcudart.so.12',
  cuBLAS: 'cublas/lib/libcublas.so.12',
  cuBLASLt: 'cublas/lib/libcublasLt.so.12',
  cuFFT: 'cufft/lib/libcufft.so.11',
  cuSOLVER: 'cusparse/lib/libcusolver.so.11',
  cuSPARSE: 'cusparse/lib/libcusparse.so.12',
  cuDNN: 'cudnn/lib/libcudnn.so.9',
};

interface Finding {
  readonly what: string;
  readonly says: string;
  /** What to do about it: then it is a fault. */
  readonly fault?: string;
}

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { help: { type: 'boolean', short: 'h' } } });
  if (values.help === true) {
    process.stdout.write('Usage: mtmt doctor\n\nExits with 1 when something is wrong.\n');
    return 0;
  }
  const config = loadConfig(process.env);
  let faults = 0;
  for (const look of [node, engine, cuda, postgres, storage, encoders, disk]) {
    for (const finding of await look(config)) {
      if (finding.fault !== undefined) faults++;
      process.stdout.write(lineOf(finding));
    }
  }
  process.stdout.write(faults === 0 ? 'Everything is in order.\n' : `${faults} ${faults === 1 ? 'thing is' : 'things are'} wrong.\n`);
  return faults === 0 ? 0 : 1;
}

function lineOf({ what, says, fault }: Finding): string {
  const isColored = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  const paint = (color: number, text: string): string => (isColored ? `\x1b[${color}m${text}\x1b[0m` : text);
  const line = `${fault === undefined ? paint(32, 'ok   ') : paint(31, 'FAULT')} ${what.padEnd(13)} ${says}\n`;
  return fault === undefined ? line : `${line}${' '.repeat(20)}${paint(31, fault)}\n`;
}

function node(): Promise<Finding[]> {
  return Promise.resolve([{ what: 'Node', says: `${process.versions.node}, ABI ${process.versions.modules}` }]);
}

async function engine(config: Config): Promise<Finding[]> {
  const { device: asked, xla } = backendOptions(config);
  const hasDriver = hasNvidiaDriver();
  const areBuilt = await hasKernels();
  if (hasDriver) process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1'; // TensorFlow's warnings say why it uses no GPU
  try {
    // Without the kernels the rest can still be looked at.
    const { device, isGpu, backend } = await loadBackend({ device: asked, xla, kernels: areBuilt ? 'native' : 'composed' });
    const found = [{ what: 'TensorFlow', says: xla ? `${backend}, XLA on` : backend }, describeKernels(areBuilt, isGpu)];
    if (isGpu || asked === 'cpu' || !hasDriver) return [...found, { what: 'Device', says: describeDevice(device, hasDriver) }];
    const fault = 'There is a GPU and it is NOT USED: everything will run on the CPU. Run "npm run setup" and look at the CUDA line below; DEVICES=cpu makes it a choice.';
    return [...found, { what: 'Device', says: device, fault }];
  } catch (error) {
    const fault = asked === 'auto' || asked === 'cpu' ? 'Run "npm run setup".' : `DEVICES=${String(config.devices)} asks for a GPU that TensorFlow does not find; DEVICES=auto takes what there is.`;
    return [{ what: 'TensorFlow', says: gist(error), fault }];
  }
}

function describeKernels(areBuilt: boolean, isGpu: boolean): Finding {
  if (isGpu) return { what: 'Kernels', says: "TensorFlow's own, on the GPU; ours are for the CPU" };
  if (areBuilt) return { what: 'Kernels', says: `ours, built for this processor; products of bfloat16 by ${PRODUCTS[nativeProduct()]}` };
  return { what: 'Kernels', says: 'not built from these sources for this processor', fault: 'Run "npm run setup", which builds them.' };
}

function describeDevice(device: string, hasDriver: boolean): string {
  return hasDriver ? device : `${device} (no NVIDIA driver on this machine)`;
}

async function cuda(): Promise<Finding[]> {
  if (!hasNvidiaDriver()) return [];
  const driver = await readFile('/proc/driver/nvidia/version', 'utf8').catch(() => '');
  const version = /\s(\d+\.\d+(?:\.\d+)?)\s/.exec(driver)?.[1] ?? 'of unknown version';
  const missing = Object.entries(CUDA_LIBRARIES).filter(([, file]) => !existsSync(join(TFJS, 'deps/nvidia', file)));
  const says = `NVIDIA driver ${version}; ${missing.length === 0 ? 'CUDA 12 and cuDNN 9 beside libtensorflow' : `no ${missing.map(([name]) => name).join(', no ')}`}`;
  return [missing.length === 0 ? { what: 'CUDA', says } : { what: 'CUDA', says, fault: 'Run "npm run setup", which fetches them.' }];
}

async function postgres(config: Config): Promise<Finding[]> {
  const where = config.databaseUrl === undefined ? `embedded in ${config.dataDir}` : 'at DATABASE_URL';
  try {
    const server = config.databaseUrl === undefined ? await startPostgres(config) : null;
    try {
      const store = await openStore(server?.url ?? config.databaseUrl ?? '');
      const rows = await store.$queryRaw<{ version: string }[]>`select current_setting('server_version') as version`;
      await store.$disconnect();
      return [{ what: 'Postgres', says: `${rows[0]?.version ?? 'of unknown version'}, ${where}` }];
    } finally {
      await server?.stop();
    }
  } catch (error) {
    const fault = config.databaseUrl === undefined ? 'The folder must be writable and on a local disk.' : 'Check DATABASE_URL, and that the server is up.';
    return [{ what: 'Postgres', says: `${where}: ${gist(error)}`, fault }];
  }
}

async function storage(config: Config): Promise<Finding[]> {
  const place = config.artifactsUrl ?? config.artifactsDir;
  try {
    await openStorage(config);
    return [{ what: 'Storage', says: config.s3EndpointUrl === undefined || config.artifactsUrl === undefined ? place : `${place} at ${config.s3EndpointUrl}` }];
  } catch (error) {
    return [{ what: 'Storage', says: place, fault: gist(error) }];
  }
}

async function encoders(config: Config): Promise<Finding[]> {
  const installed = await installedEncoders(config.encodersDir);
  const says = installed.map((encoder) => encoder.encoderId).join(', ') || `none in ${config.encodersDir}`;
  const hasDefault = await findEncoder(config.encodersDir, config.defaultEncoder).then(() => true, () => false);
  const fault = `The default encoder is missing: npx mtmt encoders install ${config.defaultEncoder}`;
  return [hasDefault ? { what: 'Encoders', says } : { what: 'Encoders', says, fault }];
}

async function disk(config: Config): Promise<Finding[]> {
  let folder = config.dataDir;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const says = `${(bavail * bsize / 1e9).toFixed(0)} GB free for ${config.dataDir}`;
  return [bavail * bsize >= ENOUGH_DISK_BYTES ? { what: 'Disk', says } : { what: 'Disk', says, fault: 'Checkpoints need room: free some, or set DATA_DIR.' }];
}

/** Prisma puts the call before the cause, on lines of their own; a refused connection may have no message but a code. */
function gist(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const line = error.message.trim().split('\n').at(-1) ?? '';
  return line !== '' && !line.endsWith(':') ? line : 'code' in error ? String(error.code) : error.name;
}
