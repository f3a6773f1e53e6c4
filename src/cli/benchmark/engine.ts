import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { contest, contestantsOf, type Contestant, type ContestOptions, type Shape } from '../../benchmark/contest.ts';
import { measure } from '../../benchmark/measure.ts';
import { COMPARISONS, tableOf } from '../../benchmark/table.ts';
import { backendOptions, loadConfig } from '../../config.ts';
import { parseEncoderConfig, type EncoderConfig } from '../../models/config.ts';
import { loadBackend } from '../../tensor/backend.ts';
import { machineFacts } from './machine.ts';

const HELP = `Usage: mtmt benchmark engine [options]

Without a shape: the table of the README. --peer runs PyTorch and onnxruntime beside our engine, in turn.

  --what train|predict          default train
  --precision float32|bfloat16  default: both
  --batch N --length N          sentences and pieces of each (32, 64)
  --layers N --hidden N --heads N --vocabulary N  (12, 384, 12, 30000)
  --encoder FOLDER              a Hugging Face folder instead of random weights
  --freeze N                    train neither embeddings nor the lowest N layers
  --rounds N --repeats N        processes, and calls in each (3, 8)
  --json                        a line a measurement
  --peer PYTHON                 a Python with torch, transformers, onnxruntime and onnx
  --peer-script FILE            another program than ours to run with it
`;

const text = { type: 'string' } as const;
const OPTIONS = {
  what: text, precision: text, batch: text, length: text, layers: text, hidden: text, heads: text, vocabulary: text, encoder: text, freeze: text,
  rounds: text, repeats: text, peer: text, 'peer-script': text, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' },
} satisfies ParseArgsConfig['options'];
type Values = Partial<Record<Exclude<keyof typeof OPTIONS, 'json' | 'help'>, string>>;

const SHAPE_FLAGS = ['what', 'batch', 'length', 'layers', 'hidden', 'heads', 'vocabulary', 'encoder', 'freeze'] as const;

export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const isJson = values.json === true;
  const options: ContestOptions = {
    rounds: whole(values, 'rounds', 3),
    repeats: whole(values, 'repeats', 8),
    ...(values.peer !== undefined && { python: values.peer }),
    ...(values['peer-script'] !== undefined && { peerScript: resolve(values['peer-script']) }),
    ...(isJson && { onLine: (line) => print(JSON.stringify(line)) }),
  };
  const isOneShape = SHAPE_FLAGS.some((flag) => values[flag] !== undefined);
  if (isJson && isOneShape && values.precision !== undefined && values.peer === undefined && options.rounds === 1) {
    print(JSON.stringify(await measureHere(shapeOf(values), precisionOf(values.precision), options.repeats)));
    return 0;
  }
  const { processor, cores } = machineFacts();
  if (!isJson) print(`${processor}, ${cores} cores, ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}\n`);
  const comparisons = isOneShape ? [{ title: 'this shape', shape: shapeOf(values) }] : COMPARISONS;
  for (const comparison of comparisons) {
    const contestants = contestantsOf(comparison.shape, values.peer !== undefined).filter((each) => isWanted(each, values.precision));
    const results = await contest(comparison.shape, contestants, options);
    if (!isJson) print(`${tableOf(comparison, results)}\n`);
  }
  return 0;
}

function isWanted({ engine, precision }: Contestant, asked: string | undefined): boolean {
  return engine !== 'mtmt' || asked === undefined || precision === precisionOf(asked);
}

/** The rest of a measurement that is not a time, so that a line can be read alone. */
async function measureHere(shape: Shape, precision: 'float32' | 'bfloat16', repeats: number): Promise<Record<string, unknown>> {
  const config = await configOf(shape);
  const { device } = await loadBackend(backendOptions(loadConfig()));
  const { what, batch, length, freeze, encoder } = shape;
  const { medianMs, piecesPerSecond, compileMs, peakBytes } = measure({ what, precision, batch, length, config, freeze, ...(encoder !== undefined && { directory: encoder }) }, repeats);
  return { engine: 'mtmt', what, precision, batch, length, medianMs: round(medianMs), piecesPerSecond: Math.round(piecesPerSecond), compileMs: Math.round(compileMs), peakBytes, device };
}

async function configOf({ layers, hidden, heads, vocabulary, length, encoder }: Shape): Promise<EncoderConfig> {
  if (encoder !== undefined) return parseEncoderConfig(JSON.parse(await readFile(join(encoder, 'config.json'), 'utf8')));
  const positions = Math.max(512, length);
  return { family: 'bert', layers, hiddenSize: hidden, heads, feedForwardSize: 4 * hidden, vocabularySize: vocabulary, positions, typeVocabularySize: 2, layerNormEpsilon: 1e-12, padId: 0, firstPosition: 0 };
}

function shapeOf(values: Values): Shape {
  const { what = 'train', encoder } = values;
  if (what !== 'train' && what !== 'predict') throw refused('what', what, 'train or predict');
  return {
    what,
    batch: whole(values, 'batch', 32),
    length: whole(values, 'length', 64),
    layers: whole(values, 'layers', 12),
    hidden: whole(values, 'hidden', 384),
    heads: whole(values, 'heads', 12),
    vocabulary: whole(values, 'vocabulary', 30_000),
    freeze: whole(values, 'freeze', -1, -1),
    ...(encoder !== undefined && { encoder: resolve(encoder) }),
  };
}

function precisionOf(asked: string): 'float32' | 'bfloat16' {
  if (asked === 'float32' || asked === 'bfloat16') return asked;
  throw refused('precision', asked, 'float32 or bfloat16');
}

function whole(values: Values, flag: keyof Values, otherwise: number, least = 1): number {
  const asked = values[flag];
  const value = asked === undefined ? otherwise : Number(asked);
  if (!Number.isInteger(value) || value < least) throw refused(flag, String(asked), `a whole number from ${least}`);
  return value;
}

function refused(flag: string, found: string, expected: string): TypeError {
  return Object.assign(new TypeError(`--${flag} is ${found}, expected ${expected}`), { code: 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE' });
}

function round(ms: number): number {
  return Math.round(100 * ms) / 100;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
