/** An uploaded file -> a normalized one in storage: JSON lines of sentences in IOB2, or of pairs. Read in two passes, never held whole. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { fail, type Place } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';
import { spansOfTags } from '../text/bio.ts';
import type { Corpus, Sentence } from './corpus.ts';
import { DETECTED_LINES, detectFormat, READERS, type Format } from './formats/detect.ts';
import type { Item, ReadOptions } from './formats/format.ts';
import { readLines, type Line } from './lines.ts';
import type { WordPair } from './pairs.ts';
import { isTag, SchemeDetector, toIob2, type TagScheme } from './scheme.ts';

export interface IngestOptions {
  readonly kind: 'labeled' | 'unlabeled' | 'pairs';
  readonly format: Format | 'auto';
  readonly columns?: ReadOptions['columns'];
  readonly language: string;
}

export interface Ingested {
  readonly storageKey: string;
  /** Of the normalized content. */
  readonly digest: string;
  /** As uploaded. */
  readonly sizeBytes: number;
  readonly format: Format;
  readonly tagScheme: TagScheme | null;
  readonly labels: string[];
  readonly sentences: number;
  readonly words: number;
  readonly entities: Record<string, number>;
  readonly pairs: number;
  readonly warnings: string[];
}

const PREFIX = 'datasets';
const MAX_ERRORS = 100;

/** @throws DATASET_INVALID with up to 100 places; nothing is stored then */
export async function ingest(source: AsyncIterable<Uint8Array>, options: IngestOptions, storage: Storage): Promise<Ingested> {
  const folder = await mkdtemp(join(tmpdir(), 'mtmt-ingest-'));
  try {
    const spool = join(folder, 'items.jsonl');
    const read = await spoolItems(source, options, spool);
    if (read.errors.length > 0) throw fail('DATASET_INVALID', { count: read.errors.length, first: describe(read.errors[0]) }, { errors: read.errors });
    const counts = new Counts();
    const stored = await storage.write(PREFIX, 'jsonl', normalize(spool, counts));
    const { scheme, illFormed } = read.detector;
    if (illFormed > 0) read.warnings.push(`${illFormed} tags I- begin an entity, which IOB2 does not allow; they are read as B-`);
    return { storageKey: stored.key, digest: stored.digest, sizeBytes: read.sizeBytes, format: read.format, tagScheme: options.kind === 'labeled' ? scheme : null, ...counts.result(), warnings: read.warnings };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function* readSentences(storage: Storage, key: string): AsyncGenerator<Sentence> {
  for await (const line of readLines(storage.read(key), () => undefined)) yield JSON.parse(line.text) as Sentence;
}

export async function* readPairs(storage: Storage, key: string): AsyncGenerator<WordPair> {
  for await (const line of readLines(storage.read(key), () => undefined)) yield JSON.parse(line.text) as WordPair;
}

export async function loadCorpus(
  storage: Storage,
  { datasetId, language, split, labels, digest, storageKey }: Omit<Corpus, 'sentences'> & { readonly storageKey: string },
): Promise<Corpus> {
  const sentences: Sentence[] = [];
  for await (const sentence of readSentences(storage, storageKey)) sentences.push(sentence);
  return { datasetId, language, split, labels, digest, sentences };
}

interface Spooled {
  readonly format: Format;
  readonly detector: SchemeDetector;
  readonly errors: Place[];
  readonly warnings: string[];
  readonly sizeBytes: number;
}

/** First pass: everything is checked, and written to a temporary file with its tags as they are. */
async function spoolItems(source: AsyncIterable<Uint8Array>, options: IngestOptions, path: string): Promise<Spooled> {
  const errors: Place[] = [];
  const warnings: string[] = [];
  const detector = new SchemeDetector();
  const report = (place: Place): void => {
    if (errors.length < MAX_ERRORS) errors.push(place);
  };
  let sizeBytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      sizeBytes += chunk.length;
      yield chunk;
    }
  };
  const lines = new Peekable(readLines(counted(), report));
  const head = await lines.peek(DETECTED_LINES);
  const format = options.format === 'auto' ? detectFormat(head, options.kind) : options.format;
  const out = createWriteStream(path);
  let items = 0;
  let dropped = 0;
  let at = 0;
  const placed = lines.each((line) => (at = line.number));
  for await (const item of READERS[format](placed, { ...options, report, warn: (warning) => warnings.push(warning) })) {
    const kept = check(item, options.kind, at, report);
    if (kept === null) continue;
    items++;
    if ('sentence' in item && item.sentence.tags !== undefined) {
      if (options.kind === 'labeled') detector.take(item.sentence.tags);
      else dropped++;
    }
    if (errors.length === 0 && !out.write(`${JSON.stringify(kept)}\n`)) await once(out, 'drain');
    if (errors.length >= MAX_ERRORS) break;
  }
  out.end();
  await once(out, 'finish');
  if (dropped > 0) warnings.push(`${dropped} sentences had tags, which an unlabeled dataset does not keep`);
  if (items === 0 && errors.length === 0) errors.push({ line: 1, column: 1, detail: `the file holds no ${options.kind === 'pairs' ? 'pair' : 'sentence'} (read as ${format})` });
  return { format, detector, errors, warnings, sizeBytes };
}

/** What is kept of an item, or null after a report. */
function check(item: Item, kind: IngestOptions['kind'], line: number, report: (place: Place) => void): Sentence | WordPair | null {
  if ('pair' in item) {
    if (kind === 'pairs') return item.pair;
    report({ line, column: 1, detail: `a pair in a dataset of the kind ${kind}` });
    return null;
  }
  const { tokens, tags } = item.sentence;
  if (kind === 'pairs') report({ line, column: 1, detail: 'a sentence in a dataset of pairs' });
  else if (kind === 'unlabeled') return { tokens };
  else if (tags === undefined) report({ line, column: 1, detail: 'the sentence has no tags, and the dataset is labeled' });
  else {
    const bad = tags.findIndex((tag) => !isTag(tag));
    if (bad < 0) return { tokens, tags };
    report({ line: Math.max(1, line - (tags.length - bad)), column: 1, detail: `"${tags[bad]}" is no tag; expected O, or B-, I-, E-, S-, L-, U- and a label` });
  }
  return null;
}

/** Second pass: tags become IOB2. */
async function* normalize(path: string, counts: Counts): AsyncGenerator<Uint8Array> {
  for await (const { text } of readLines(createReadStream(path), () => undefined)) {
    const item = JSON.parse(text) as Sentence | WordPair;
    const normal = 'tokens' in item && item.tags !== undefined ? { tokens: item.tokens, tags: toIob2(item.tags) } : item;
    counts.take(normal);
    yield Buffer.from(`${JSON.stringify(normal)}\n`);
  }
}

class Counts {
  #sentences = 0;
  #words = 0;
  #pairs = 0;
  readonly #entities = new Map<string, number>();
  readonly #inPairs = new Set<string>();

  take(item: Sentence | WordPair): void {
    if ('left' in item) {
      this.#pairs++;
      for (const { tokens } of [item.left, item.right]) {
        const key = createHash('sha1').update(tokens.join('\u0000')).digest('base64');
        if (this.#inPairs.has(key)) continue;
        this.#inPairs.add(key);
        this.#sentences++;
        this.#words += tokens.length;
      }
      return;
    }
    this.#sentences++;
    this.#words += item.tokens.length;
    for (const { label } of spansOfTags(item.tags ?? [])) this.#entities.set(label, (this.#entities.get(label) ?? 0) + 1);
  }

  result(): Pick<Ingested, 'labels' | 'sentences' | 'words' | 'entities' | 'pairs'> {
    const sorted = [...this.#entities].sort(([a], [b]) => (a < b ? -1 : 1));
    return { labels: sorted.map(([label]) => label), sentences: this.#sentences, words: this.#words, entities: Object.fromEntries(sorted), pairs: this.#pairs };
  }
}

/** Lines whose first ones can be looked at before they are read. */
class Peekable {
  readonly #lines: AsyncIterator<Line>;
  readonly #head: Line[] = [];

  constructor(lines: AsyncGenerator<Line>) {
    this.#lines = lines;
  }

  async peek(count: number): Promise<readonly Line[]> {
    while (this.#head.length < count) {
      const { done, value } = await this.#lines.next();
      if (done === true) break;
      this.#head.push(value);
    }
    return this.#head;
  }

  async *each(onLine: (line: Line) => void): AsyncGenerator<Line> {
    for (const line of this.#head.splice(0)) {
      onLine(line);
      yield line;
    }
    for (;;) {
      const { done, value } = await this.#lines.next();
      if (done === true) return;
      onLine(value);
      yield value;
    }
  }
}

function describe(place: Place | undefined): string {
  return place === undefined ? '' : `line ${place.line}, column ${place.column}: ${place.detail}`;
}
