/**
 * Compiles functions of tensors to one TensorFlow graph with the weights in its variables. A call is one run of the graph, instead of
 * thousands of calls from JavaScript; a training function also clips gradients and steps AdamW inside of it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeBackend } from './backend.ts';
import { graphFolder, keepGraph, readGraph } from './graph-cache.ts';
import { programGraph, type ProgramLayout } from './program-graph.ts';
import type { ProgramSpec } from './program-spec.ts';
import { Program } from './program.ts';

/** Builds, loads and fills the graph. */
export function compile(spec: ProgramSpec): Program {
  const folder = graphFolder(spec);
  const { session, layout } = (folder === null ? null : readGraph(folder, load)) ?? made(spec, folder);
  const program = new Program(session, layout);
  program.assign(spec.variables);
  return program;
}

/** The session keeps the graph; the file is only the way into it. */
function made(spec: ProgramSpec, folder: string | null): { session: number; layout: ProgramLayout } {
  const { savedModel, layout } = programGraph(spec);
  if (folder !== null) keepGraph(folder, { savedModel, layout });
  const directory = mkdtempSync(join(tmpdir(), 'mtmt-graph-'));
  try {
    writeFileSync(join(directory, 'saved_model.pb'), savedModel);
    return { session: load(directory), layout };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function load(directory: string): number {
  return nodeBackend().loadSavedModelMetaGraph(directory, 'serve');
}
