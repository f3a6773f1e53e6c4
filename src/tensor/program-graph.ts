/** The graph of a program: its functions, recorded, and what runs, fills and reads its variables. */
import { ADAM_INPUTS, addAccumulation, addAdamW, slotNames, type AdamInputs } from './adamw.ts';
import { hasNativeKernels, nodeBackend, tf, type Tensor, type TensorInfo } from './backend.ts';
import { emit, type Emitted, type Precision } from './emit.ts';
import { controlOf, GraphBuilder, type GraphVariable, type Ref } from './graph.ts';
import type { FunctionSpec, InputSpec, ProgramSpec, Tensors, TrainingSpec } from './program-spec.ts';
import { DataType } from './proto.ts';
import { record, symbol } from './record.ts';
import { fail } from '../errors.ts';

/** How to use a graph, by names of its nodes; plain JSON. */
export interface ProgramLayout {
  readonly functions: Readonly<Record<string, FunctionLayout>>;
  /** Shapes of the variables, optimizer slots included. */
  readonly state: Readonly<Record<string, readonly number[]>>;
  /** Makes anew what is kept of variables in another form; null where nothing is. */
  readonly initialized: Ref | null;
  /** Frees the variables that nothing but `initialized` reads; null where there are none. */
  readonly frozen: Ref | null;
  /** Sets the optimizer's slots to zero; null where there are none. */
  readonly zeroed: Ref | null;
}

export interface FunctionLayout {
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly outputs: readonly { readonly name: string; readonly ref: Ref }[];
  readonly isTraining: boolean;
  /** Adds this batch's gradients and gives `loss`. */
  readonly accumulated: Ref | null;
}

/** Every shape of the inputs is fixed. @returns a SavedModel and how to use it */
export function programGraph(spec: ProgramSpec): { savedModel: Buffer; layout: ProgramLayout } {
  const graph = new GraphBuilder();
  const trained = spec.trained ?? new Set<string>();
  const variables = new Map(Object.entries(spec.variables).map(([name, { shape }]) => [name, graph.variable(name, shape)]));
  const functions: Record<string, FunctionLayout> = {};
  for (const [name, fn] of Object.entries(spec.functions)) functions[name] = build({ name, fn, graph, variables, trained, precision: spec.precision, areFixed: trained.size === 0 });
  const compiled = Object.values(functions);
  const accumulates = compiled.some((fn) => fn.accumulated !== null);
  const slots = new Map<string, GraphVariable>();
  for (const name of compiled.some((fn) => fn.isTraining) ? trained : []) {
    const { shape } = variables.get(name) as GraphVariable;
    for (const slot of slotNames(name, accumulates)) slots.set(slot, graph.variable(slot, shape));
  }
  const state = new Map([...variables, ...slots]);
  for (const [name, variable] of state) {
    const value = graph.input(`assign/${name}`, DataType.float32, variable.shape);
    graph.after([own(graph, variable, value, `assigning/${name}`)], `assigned/${name}`);
    graph.read(variable, `read/${name}`);
  }
  const zeroes = [...slots].map(([name, variable]) => own(graph, variable, graph.filled(DataType.float32, variable.shape, graph.scalar(0), `zero/${name}`), `zeroing/${name}`));
  const unused = graph.initializers.length === 0 ? [] : unreadBy(compiled, { graph, variables });
  const layout: ProgramLayout = {
    functions,
    state: Object.fromEntries([...state].map(([name, { shape }]) => [name, shape])),
    initialized: graph.initializers.length === 0 ? null : graph.after(graph.initializers, 'initialized'),
    frozen: unused.length === 0 ? null : graph.after(unused.map(([name, variable]) => graph.destroy(variable, `destroy/${name}`)), 'frozen'),
    zeroed: zeroes.length === 0 ? null : graph.after(zeroes, 'zeroed'),
  };
  return { savedModel: graph.encode(), layout };
}

/** Variables that no function reads itself: what it reads is made of them once. */
function unreadBy(functions: readonly FunctionLayout[], { graph, variables }: { graph: GraphBuilder; variables: ReadonlyMap<string, GraphVariable> }): [string, GraphVariable][] {
  const results = functions.flatMap(({ outputs, accumulated }) => [...outputs.map(({ ref }) => ref), ...(accumulated === null ? [] : [accumulated])]);
  const read = graph.dependenciesOf(results);
  return [...variables].filter(([, { handle }]) => !read.has(handle));
}

/**
 * Assigns a copy. A variable that shared the memory of what it is given would change it with every step, for AdamW works in place: the array of
 * JavaScript that a tensor of the addon shares, or the zeros that TensorFlow makes once for several.
 */
function own(graph: GraphBuilder, variable: GraphVariable, value: Ref, name: string): Ref {
  return graph.assign(variable, graph.float('DeepCopy', [value], `${name}/copy`), name);
}

function build({ name, fn, graph, variables, trained, precision, areFixed }: {
  name: string;
  fn: FunctionSpec | TrainingSpec;
  graph: GraphBuilder;
  variables: ReadonlyMap<string, GraphVariable>;
  trained: ReadonlySet<string>;
  precision: Precision;
  /** Whether no function changes a variable. */
  areFixed: boolean;
}): FunctionLayout {
  const bound = new Map<number, Ref>();
  const infos: TensorInfo[] = [];
  const examples: Tensor[] = [];
  const named = (entries: Iterable<readonly [string, readonly number[], number, Ref]>): Tensors =>
    Object.fromEntries([...entries].map(([key, shape, dtype, ref]) => {
      const { tensor, info } = symbol(shape, dtype);
      examples.push(tensor);
      infos.push(info);
      bound.set(info.id, ref);
      return [key, tensor];
    }));
  try {
    const weights = named([...variables].map(([key, variable]) => [key, variable.shape, DataType.float32, graph.read(variable, `${name}/variable/${key}`)]));
    const inputs = named(Object.entries(fn.inputs).map(([key, { shape, dtype }]) => [key, shape, DataType[dtype], graph.input(`${name}/in/${key}`, DataType[dtype], shape)]));
    const names = 'optimizer' in fn ? [...variables.keys()].filter((key) => trained.has(key)) : [];
    const recording = record(() => tf.tidy(() => ('optimizer' in fn ? runWithGradients(fn, weights, inputs, names) : { outputs: idsOf(fn.run(weights, inputs)), gradients: [] })), infos);
    const fixed = new Map(areFixed ? Object.entries(weights).map(([key, tensor]) => [idOf(tensor), key]) : []);
    const { outputs, gradients } = recording.result;
    const emitted = emit(recording, { outputs: outputs.map(({ id }) => id), gradients }, { graph, scope: name, precision, bound, given: infos, fixed });
    const results = outputs.map((output, index) => ({ name: output.name, ref: emitted.outputs[index] as Ref }));
    if (!('optimizer' in fn)) return { inputs: fn.inputs, outputs: results, isTraining: false, accumulated: null };
    const adam = Object.fromEntries(ADAM_INPUTS.map((key) => [key, graph.input(`${name}/adam/${key}`, DataType.float32, [])])) as AdamInputs;
    const single = new Map(names.map((key, index) => [key, emitted.gradients[index] as Emitted]));
    const share = fn.accumulates === true ? graph.input(`${name}/share`, DataType.float32, []) : null;
    const accumulation = share === null ? null : addAccumulation(graph, { variables, gradients: single, scope: `${name}/accumulation`, share });
    const { gradNorm, updates } = addAdamW(graph, { variables, gradients: accumulation?.gradients ?? single, inputs: adam, options: fn.optimizer, scope: `${name}/adamw`, outputs: results.map(({ ref }) => ref), isNative: hasNativeKernels() });
    const after = (ref: Ref, nodes: readonly Ref[], as: string): Ref => graph.float('Identity', [ref, ...nodes.map(controlOf)], `${name}/${as}`);
    const done = after(gradNorm, [...updates, ...(accumulation?.clear(updates) ?? [])], 'stepped');
    const loss = results.find((result) => result.name === 'loss')?.ref ?? gradNorm;
    return {
      inputs: fn.inputs,
      outputs: [...results, { name: 'gradNorm', ref: done }],
      isTraining: true,
      accumulated: accumulation === null ? null : after(loss, accumulation.adds, 'accumulated'),
    };
  } finally {
    tf.dispose(examples);
  }
}

/** Ids are taken before `tidy` disposes what they belong to; the addon never uses an id twice. */
function runWithGradients(fn: FunctionSpec, tensors: Tensors, examples: Tensors, names: readonly string[]): { outputs: { name: string; id: number }[]; gradients: number[] } {
  let outputs: { name: string; id: number }[] = [];
  const { grads } = tf.valueAndGrads((...weights: Tensor[]) => {
    const own = { ...tensors, ...Object.fromEntries(names.map((name, index) => [name, weights[index] as Tensor])) };
    const results = fn.run(own, examples);
    outputs = idsOf(results);
    const { loss } = results;
    if (loss === undefined || loss.rank !== 0) throw fail('PROGRAM_MISUSED', { detail: 'a training function returns a scalar named loss' });
    return loss as ReturnType<typeof tf.scalar>;
  })(names.map((name) => tensors[name] as Tensor));
  return { outputs, gradients: grads.map(idOf) };
}

function idsOf(results: Record<string, Tensor>): { name: string; id: number }[] {
  return Object.entries(results).map(([name, tensor]) => ({ name, id: idOf(tensor) }));
}

function idOf(tensor: Tensor): number {
  return nodeBackend().getInputTensorIds([tensor])[0] as number;
}
