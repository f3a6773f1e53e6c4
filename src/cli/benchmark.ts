/** `mtmt benchmark …`, one file each. */
import type { Command } from './command.ts';

const BENCHMARKS: Readonly<Record<string, { about: string; load: () => Promise<Command> }>> = {
  engine: { about: 'time the tensor engine, beside PyTorch and onnxruntime if asked', load: () => import('./benchmark/engine.ts') },
  serve: { about: 'time POST /ner, beside transformers and onnxruntime if asked', load: () => import('./benchmark/serve.ts') },
  api: { about: 'time calls of the API while a worker trains', load: () => import('./benchmark/api.ts') },
  method: { about: 'train every ablation on your corpora, and report F1 with intervals', load: () => import('./benchmark/method.ts') },
};
const HELP = `Usage: ${Object.keys(BENCHMARKS)
  .map((name) => `mtmt benchmark ${name} [options]`)
  .join('\n       ')}

${Object.entries(BENCHMARKS)
  .map(([name, { about }]) => `  ${name.padEnd(6)}  ${about}`)
  .join('\n')}

mtmt benchmark <which> --help says more.
`;

export async function run([name = '', ...args]: string[]): Promise<number> {
  const benchmark = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (benchmark !== undefined) return (await benchmark.load()).run(args);
  const isAsked = name === '--help' || name === '-h';
  (isAsked ? process.stdout : process.stderr).write(HELP);
  return isAsked ? 0 : 2;
}
