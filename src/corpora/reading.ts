/** The first pass over an upload: everything is checked, counted and given on as JSON lines, with its tags as they are. */
import type { Place } from '../errors.ts';
import type { Sentence } from './corpus.ts';
import { DETECTED, detectFormat, READERS, type Format } from './formats/detect.ts';
import { MAX_WORD_CHARS, MAX_WORDS, TOO_LONG, type Item, type ReadOptions } from './formats/format.ts';
import { peekLines, readLines } from './lines.ts';
import type { WordPair } from './pairs.ts';
import { SchemeDetector, type TagScheme } from './scheme.ts';

export interface IngestOptions {
  readonly kind: 'labeled' | 'unlabeled' | 'pairs';
  readonly format: Format | 'auto';
  readonly columns?: ReadOptions['columns'];
  readonly language: string;
}

const MAX_ERRORS = 100;
/** Characters that are given on at once. */
const BATCH_CHARS = 1 << 16;

/** Ends the reading of a file that has enough mistakes. */
class EnoughErrors extends Error {}

/** Read `items` to its end, then the rest is known. */
export class Reading {
  readonly errors: Place[] = [];
  readonly #warnings: string[] = [];
  readonly #options: IngestOptions;
  readonly #detector = new SchemeDetector();
  #format: Format = 'conll';
  #sizeBytes = 0;
  #items = 0;
  #dropped = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  get format(): Format {
    return this.#format;
  }
  get sizeBytes(): number {
    return this.#sizeBytes;
  }
  get tagScheme(): TagScheme | null {
    return this.#options.kind === 'labeled' ? this.#detector.scheme : null;
  }
  get warnings(): string[] {
    const dropped = this.#dropped > 0 ? [`${this.#dropped} sentences had tags, which an unlabeled dataset does not keep`] : [];
    return [...this.#warnings, ...dropped, ...this.#detector.warnings];
  }

  async *items(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
    try {
      let batch = '';
      for await (const item of this.#read(source)) {
        batch += `${JSON.stringify(item)}\n`;
        if (batch.length < BATCH_CHARS) continue;
        yield batch;
        batch = '';
      }
      yield batch;
    } catch (error) {
      if (!(error instanceof EnoughErrors)) throw error;
    }
  }

  async *#read(source: AsyncIterable<Uint8Array>): AsyncGenerator<Sentence | WordPair> {
    const { kind, format } = this.#options;
    const { head, blocks } = await peekLines(readLines(this.#counted(source), this.#report), DETECTED);
    this.#format = format === 'auto' ? detectFormat(head, kind) : format;
    const options = { ...this.#options, report: this.#report, warn: (warning: string) => void this.#warnings.push(warning) };
    for await (const item of READERS[this.#format](blocks, options)) {
      this.#items++;
      const kept = this.#check(item);
      if (kept !== null) yield kept;
    }
    const what = kind === 'pairs' ? 'pair' : 'sentence';
    if (this.#items === 0 && this.errors.length === 0) this.#report({ line: 1, column: 1, detail: `the file holds no ${what} (read as ${this.#format})` });
  }

  async *#counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.#sizeBytes += chunk.length;
      yield chunk;
    }
  }

  readonly #report = (place: Place): void => {
    this.errors.push(place);
    if (this.errors.length >= MAX_ERRORS) throw new EnoughErrors();
  };

  /** What is kept of an item, or null after a report. */
  #check(item: Item): Sentence | WordPair | null {
    const { kind } = this.#options;
    const wrong = (detail: string): null => {
      this.#report({ line: item.line, column: 1, detail });
      return null;
    };
    for (const tokens of 'pair' in item ? [item.pair.left.tokens, item.pair.right.tokens] : [item.sentence.tokens]) {
      if (tokens.length > MAX_WORDS) return wrong(TOO_LONG);
      if (tokens.some(({ length }) => length > MAX_WORD_CHARS)) return wrong(`a word of more than ${MAX_WORD_CHARS} characters`);
    }
    if ('pair' in item) return kind === 'pairs' ? item.pair : wrong(`a pair in a dataset of the kind ${kind}`);
    const { tokens, tags } = item.sentence;
    if (kind === 'pairs') return wrong('a sentence in a dataset of pairs');
    if (kind === 'unlabeled') {
      if (tags !== undefined) this.#dropped++;
      return { tokens };
    }
    if (tags === undefined) return wrong('the sentence has no tags, and the dataset is labeled');
    this.#detector.take(tags);
    return { tokens, tags };
  }
}
