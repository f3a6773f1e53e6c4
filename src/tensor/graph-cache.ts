/** Graphs on disk, so that a process need not record what another has recorded: folders named by a digest of all that decides a graph. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backendInfo, hasNativeKernels, nativeProduct } from './backend.ts';
import type { ProgramLayout } from './program-graph.ts';
import type { FunctionSpec, ProgramSpec, TrainingSpec } from './program-spec.ts';
import { sourceDigest } from './source-digest.ts';

const GRAPH = 'saved_model.pb';
const LAYOUT = 'layout.json';
/** One takes a megabyte or two. */
const KEPT = 64;

/** Where the graph of `spec` is kept, if it is there; null where there is no cache. */
export function graphFolder(spec: ProgramSpec): string | null {
  return spec.cache === undefined ? null : join(spec.cache.directory, 'graphs', graphKey(spec, spec.cache.identity));
}

/** Digest of everything that decides the graph. */
export function graphKey(spec: ProgramSpec, identity: unknown): string {
  const trained = [...(spec.trained ?? [])];
  const facts = {
    source: sourceDigest(),
    backend: [backendInfo().backend, backendInfo().isGpu, hasNativeKernels(), nativeProduct()],
    identity,
    precision: spec.precision,
    variables: Object.entries(spec.variables).map(([name, { shape }]) => [name, shape]),
    trained,
    functions: Object.entries(spec.functions).map(([name, fn]) => [name, fn.inputs, ...optimizerFacts(fn, trained)]),
  };
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

function optimizerFacts(fn: FunctionSpec | TrainingSpec, trained: readonly string[]): unknown[] {
  if (!('optimizer' in fn)) return [];
  const { hasDecay, isHead, rateFactor, ...values } = fn.optimizer;
  return [values, fn.accumulates === true, trained.map((name) => [hasDecay(name), isHead(name), rateFactor?.(name) ?? 1])];
}

/** A folder that is damaged is as good as none. @param load reads a folder into a session */
export function readGraph(directory: string, load: (directory: string) => number): { session: number; layout: ProgramLayout } | null {
  try {
    const { digest, layout } = JSON.parse(readFileSync(join(directory, LAYOUT), 'utf8')) as { digest: string; layout: ProgramLayout };
    if (digestOf(readFileSync(join(directory, GRAPH))) !== digest) return null;
    const session = load(directory);
    touch(directory);
    return { session, layout };
  } catch {
    return null;
  }
}

/** A disk that takes no graph costs the next process its time, and this one nothing. */
export function keepGraph(directory: string, graph: { savedModel: Buffer; layout: ProgramLayout }): void {
  try {
    write(directory, graph);
  } catch (error) {
    if (!isOfDisk(error)) throw error;
  }
}

/** Whole or not at all; another process may write the same. */
function write(directory: string, { savedModel, layout }: { savedModel: Buffer; layout: ProgramLayout }): void {
  const parent = join(directory, '..');
  mkdirSync(parent, { recursive: true });
  const temporary = mkdtempSync(join(parent, '.new-'));
  try {
    writeFileSync(join(temporary, GRAPH), savedModel);
    writeFileSync(join(temporary, LAYOUT), JSON.stringify({ digest: digestOf(savedModel), layout }));
    rmSync(directory, { recursive: true, force: true });
    renameSync(temporary, directory);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
  removeOldest(parent);
}

function removeOldest(parent: string): void {
  const aged = readdirSync(parent).map((name) => ({ path: join(parent, name), usedAt: statSync(join(parent, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }));
  for (const { path } of aged.sort((a, b) => b.usedAt - a.usedAt).slice(KEPT)) rmSync(path, { recursive: true, force: true });
}

/** The folder's time is that of its last use. */
function touch(directory: string): void {
  const now = new Date();
  utimesSync(directory, now, now);
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function isOfDisk(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
