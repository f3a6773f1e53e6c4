/** A stream of bytes -> texts to tag, in order. What cannot be read has its place among them, with what is wrong. */
import { readConll, readWikiann } from '../../corpora/formats/conll.ts';
import { DETECTED, detectFormat, type Format } from '../../corpora/formats/detect.ts';
import { isWellFormed, parseObject, placeOf, readJson, wordsOf, type JsonText } from '../../corpora/formats/json.ts';
import { peekLines, readLines, type Line, type LineBlocks, type Report } from '../../corpora/lines.ts';
import type { Place } from '../../errors.ts';
import { CommandFailure } from '../client/failure.ts';
import { rowsOf, type Rows } from './rows.ts';
import { sentencesOf } from './sentences.ts';
import { faultAt, type Fault, type Source } from './source.ts';

export const INPUTS = ['auto', 'text', 'jsonl', 'conll'] as const;
export type Input = (typeof INPUTS)[number];

export interface ReadOptions {
  readonly input: Input;
  /** Of the file, for messages. */
  readonly name: string;
  /** Told once what the input is taken for. */
  readonly onInput: (input: Input) => void;
}

/** @throws CommandFailure where a mistake leaves no way to find the next text: in a JSON list, and in UTF-16 */
export async function* readSources(bytes: AsyncIterable<Uint8Array>, { input, name, onInput }: ReadOptions): AsyncGenerator<Source> {
  const unread: Place[] = [];
  const { head, blocks } = await peekLines(
    readLines(notUtf16(bytes, name), (place) => void unread.push(place)),
    DETECTED,
  );
  const format = detectFormat(head, 'unlabeled');
  const taken = input === 'auto' ? inputOf(format) : input;
  onInput(taken);
  const rows = rowsOf(blocks, unread);
  if (taken === 'text') yield* lines(rows);
  else if (taken === 'conll') yield* sentencesOf(rows, format === 'wikiann' ? readWikiann : readConll);
  else if (head.find(({ text }) => text.trim() !== '')?.text.trimStart().startsWith('[') === true) yield* listed(blocks, unread, name);
  else yield* objects(rows);
}

/** Its lines would be texts with every second byte a zero. */
async function* notUtf16(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  let begin = Buffer.alloc(0);
  for await (const chunk of bytes) {
    if (begin.length < 2) begin = Buffer.concat([begin, chunk.subarray(0, 2)]);
    if (/^(?:fffe|feff)/.test(begin.toString('hex'))) throw new CommandFailure(`${name} looks like UTF-16; texts are read as UTF-8`);
    yield chunk;
  }
}

function inputOf(format: Format): Input {
  if (format === 'text') return 'text';
  return format === 'conll' || format === 'wikiann' ? 'conll' : 'jsonl';
}

/** An empty line is a text as well: results stay as many as lines. */
async function* lines(rows: Rows): AsyncGenerator<Source> {
  for await (const block of rows) for (const row of block) yield 'text' in row ? { text: row.text, line: row.number } : faulty(row.place);
}

async function* objects(rows: Rows): AsyncGenerator<Source> {
  for await (const block of rows) {
    for (const row of block) {
      if (!('text' in row)) yield faulty(row.place);
      else if (row.text.trim() !== '') yield sourceOf({ text: row.text, line: row.number, column: 1 });
    }
  }
}

/** Lines of a list mean nothing alone. */
async function* listed(blocks: LineBlocks, unread: readonly Place[], name: string): AsyncGenerator<Source> {
  const report: Report = ({ line = 1, column = 1, detail }) => {
    throw new CommandFailure(`${name}, line ${line}, column ${column}: ${detail}`);
  };
  const whole = async function* (): AsyncGenerator<readonly Line[]> {
    for await (const block of blocks) {
      if (unread[0] !== undefined) report(unread[0]);
      yield block;
    }
  };
  for await (const source of readJson(whole(), report)) yield sourceOf(source);
}

function sourceOf(source: JsonText): Source {
  const { line } = source;
  const faults: Fault[] = [];
  const report: Report = (place) => void faults.push(faultAt(place, line));
  const { id, text, tokens } = parseObject(source, report) ?? {};
  const wrong = (key: string, detail: string): void => report({ ...placeOf(source, [key]), detail });
  if ((text === undefined) === (tokens === undefined)) wrong('text', 'expected either "text" or "tokens"');
  if (text !== undefined && (typeof text !== 'string' || !isWellFormed(text))) wrong('text', 'text must be a string of whole characters');
  const isId = typeof id === 'string' || (typeof id === 'number' && (Number.isSafeInteger(id) || !Number.isInteger(id)));
  if (!isId && id !== undefined && id !== null) wrong('id', 'id must be a string, or a number that JSON readers agree about');
  const words = tokens === undefined ? null : wordsOf(tokens, { source, path: ['tokens'], report });
  const known = isId ? { line, id } : { line };
  if (faults[0] !== undefined) return { ...known, fault: faults[0] };
  return words === null ? { ...known, text: String(text) } : { ...known, tokens: words };
}

function faulty(place: Place): Source {
  const { line = 1 } = place;
  return { line, fault: faultAt(place, line) };
}
