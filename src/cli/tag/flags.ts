/** What the command line of `mtmt tag` says. */
import type { NerRequest } from '../../schemas/ner.ts';
import { CommandFailure } from '../client/failure.ts';
import { INPUTS, type Input } from './records.ts';
import { FORMATS, type Format } from './render.ts';

const AGGREGATIONS = ['none', 'simple', 'first', 'average', 'max'] as const;
const OFFSET_UNITS = ['codepoint', 'utf16', 'byte'] as const;
const DEFAULT_PARALLEL = 4;
const MAX_PARALLEL = 64;

export interface Flags {
  /** `-`: stdin. */
  readonly file: string;
  readonly input: Input;
  /** `-`: stdout. */
  readonly out: string;
  readonly format: Format;
  readonly isRestart: boolean;
  /** The first text that cannot be tagged ends the work. */
  readonly isStrict: boolean;
  /** As asked for: an alias, or a checkpoint's id. */
  readonly model: string;
  readonly request: Pick<NerRequest, 'language' | 'aggregation' | 'threshold' | 'offsetUnit'>;
  readonly parallel: number;
}

/** @throws CommandFailure */
export function readFlags(file: string, values: Readonly<Record<string, string | boolean | undefined>>): Flags {
  const text = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  const number = (name: string, isRight: (value: number) => boolean, expected: string): number | undefined => {
    const given = text(name);
    if (given === undefined) return undefined;
    if (given.trim() !== '' && isRight(Number(given))) return Number(given);
    throw new CommandFailure(`--${name} wants ${expected}, not "${given}"`);
  };
  const choice = <T extends string>(name: string, choices: readonly T[]): T | undefined => {
    const given = text(name);
    const found = choices.find((each) => each === given);
    if (given !== undefined && found === undefined) throw new CommandFailure(`--${name} wants one of ${choices.join(', ')}, not "${given}"`);
    return found;
  };
  const [language, aggregation, offsetUnit] = [text('language'), choice('aggregation', AGGREGATIONS), choice('offset-unit', OFFSET_UNITS)];
  const threshold = number('threshold', (value) => value >= 0 && value <= 1, 'a number from 0 to 1');
  const format = choice('format', FORMATS) ?? 'jsonl';
  return {
    file,
    format,
    input: choice('input', INPUTS) ?? 'auto',
    out: text('out') ?? (file === '-' ? '-' : `${file}.tagged.${format}`),
    isRestart: values['restart'] === true,
    isStrict: values['strict'] === true,
    model: text('model') ?? 'default',
    request: { ...(language !== undefined && { language }), ...(aggregation && { aggregation }), ...(threshold !== undefined && { threshold }), ...(offsetUnit && { offsetUnit }) },
    parallel: number('parallel', (value) => Number.isInteger(value) && value >= 1 && value <= MAX_PARALLEL, `a whole number from 1 to ${MAX_PARALLEL}`) ?? DEFAULT_PARALLEL,
  };
}
