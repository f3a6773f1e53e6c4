/** A stream of bytes -> texts to tag, in order. What is wrong ends the reading, and is said with its line. */
import { createHash, type Hash } from 'node:crypto';
import { readConll } from '../../corpora/formats/conll.ts';
import { DETECTED, detectFormat } from '../../corpora/formats/detect.ts';
import { isWellFormed, parseObject, placeOf, readJson, wordsOf } from '../../corpora/formats/json.ts';
import { peekLines, readLines, type LineBlocks, type Report } from '../../corpora/lines.ts';
import { CommandFailure } from '../client/failure.ts';

export const INPUTS = ['auto', 'text', 'jsonl', 'conll'] as const;
export type Input = (typeof INPUTS)[number];

/** One of `text` and `tokens` is there. */
export interface Source {
  /** Where it begins, from 1. */
  readonly line: number;
  /** As JSON lines have it. */
  readonly id?: string | number;
  readonly text?: string;
  readonly tokens?: readonly string[];
}

/** @param o.name of the file, for messages. @param o.onInput told once what the input is taken for. @throws CommandFailure */
export async function* readSources(bytes: AsyncIterable<Uint8Array>, o: { input: Input; name: string; onInput: (input: Input) => void }): AsyncGenerator<Source> {
  const report: Report = ({ line = 1, column = 1, detail }) => {
    throw new CommandFailure(`${o.name}, line ${line}, column ${column}: ${detail}`);
  };
  const { head, blocks } = await peekLines(readLines(bytes, report), DETECTED);
  const format = detectFormat(head, 'unlabeled');
  const detected = format === 'text' ? 'text' : format === 'conll' || format === 'wikiann' ? 'conll' : 'jsonl';
  const input = o.input === 'auto' ? detected : o.input;
  o.onInput(input);
  if (input === 'text') yield* lines(blocks);
  else if (input === 'jsonl') yield* objects(blocks, report);
  else yield* sentences(blocks, report);
}

/** An empty line is a text as well: results stay as many as lines. */
async function* lines(blocks: LineBlocks): AsyncGenerator<Source> {
  for await (const block of blocks) for (const { text, number } of block) yield { text, line: number };
}

async function* objects(blocks: LineBlocks, report: Report): AsyncGenerator<Source> {
  for await (const source of readJson(blocks, report)) {
    const object = parseObject(source, report);
    if (object === null) continue;
    const { id, text, tokens } = object;
    const wrong = (key: string, detail: string): void => report({ ...placeOf(source, [key]), detail });
    if ((text === undefined) === (tokens === undefined)) wrong('text', 'expected either "text" or "tokens"');
    if (text !== undefined && (typeof text !== 'string' || !isWellFormed(text))) wrong('text', 'text must be a string of whole characters');
    const known = id === undefined || id === null || typeof id === 'string' || (typeof id === 'number' && (Number.isSafeInteger(id) || !Number.isInteger(id)));
    if (!known) wrong('id', 'id must be a string, or a number that JSON readers agree about');
    const words = tokens === undefined ? null : wordsOf(tokens, { source, path: ['tokens'], report });
    yield { line: source.line, ...((typeof id === 'string' || typeof id === 'number') && { id }), ...(words === null ? { text: String(text) } : { tokens: words }) };
  }
}

async function* sentences(blocks: LineBlocks, report: Report): AsyncGenerator<Source> {
  for await (const item of readConll(blocks, { kind: 'unlabeled', language: '', report, warn: () => undefined })) {
    if ('sentence' in item) yield { tokens: item.sentence.tokens, line: item.line };
  }
}

/** What tells whether a file begins with the texts that were tagged before: corrected and longer files do. */
export function sourcesDigest(): { add(source: Source): void; value(): string } {
  const hash: Hash = createHash('sha256');
  return {
    add: ({ id, text, tokens }) => void hash.update(`${JSON.stringify([id ?? null, text ?? null, tokens ?? null])}\n`),
    value: () => hash.copy().digest('hex'),
  };
}
