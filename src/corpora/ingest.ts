/** An uploaded file -> a normalized one in storage: JSON lines of sentences in IOB2, or of pairs. Read in two passes, never held whole. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fail, type Place } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';
import type { Corpus, Sentence } from './corpus.ts';
import { counter, type ContentCounts, type Counter } from './counts.ts';
import type { Format } from './formats/detect.ts';
import { readLines, type Line } from './lines.ts';
import type { WordPair } from './pairs.ts';
import { Reading, type IngestOptions } from './reading.ts';
import { toIob2, type TagScheme } from './scheme.ts';

export type { IngestOptions } from './reading.ts';

export interface Ingested extends ContentCounts {
  readonly storageKey: string;
  /** Of the normalized content. */
  readonly digest: string;
  /** As uploaded. */
  readonly sizeBytes: number;
  readonly format: Format;
  readonly tagScheme: TagScheme | null;
  readonly warnings: string[];
}

const PREFIX = 'datasets';

/** @throws DATASET_INVALID with up to 100 places; nothing is stored then */
export async function ingest(source: AsyncIterable<Uint8Array>, options: IngestOptions, storage: Storage): Promise<Ingested> {
  const folder = await mkdtemp(join(tmpdir(), 'mtmt-ingest-'));
  try {
    const spool = join(folder, 'items.jsonl');
    const reading = new Reading(options);
    await pipeline(reading.items(source), createWriteStream(spool));
    const { errors } = reading;
    if (errors.length > 0) throw fail('DATASET_INVALID', { count: errors.length, first: describe(errors[0]) }, { errors });
    const counts = counter();
    const { key, digest } = await storage.write(PREFIX, 'jsonl', normalize(spool, counts));
    const { warnings, ...counted } = counts.result();
    const { format, sizeBytes, tagScheme } = reading;
    return { storageKey: key, digest, sizeBytes, format, tagScheme, ...counted, warnings: [...reading.warnings, ...warnings] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function readSentences(storage: Storage, key: string): AsyncGenerator<Sentence> {
  return readStored<Sentence>(storage, key);
}

export function readPairs(storage: Storage, key: string): AsyncGenerator<WordPair> {
  return readStored<WordPair>(storage, key);
}

export async function loadCorpus(
  storage: Storage,
  { datasetId, language, split, labels, digest, storageKey }: Omit<Corpus, 'sentences'> & { readonly storageKey: string },
): Promise<Corpus> {
  const sentences: Sentence[] = [];
  for await (const sentence of readSentences(storage, storageKey)) sentences.push(sentence);
  return { datasetId, language, split, labels, digest, sentences };
}

async function* readStored<T>(storage: Storage, key: string): AsyncGenerator<T> {
  for await (const block of ownLines(storage.read(key), key)) for (const { text } of block) if (text !== '') yield JSON.parse(text) as T;
}

/** What was written here has no mistakes; where it has, the disk or somebody's hand has changed it. */
function ownLines(source: AsyncIterable<Uint8Array>, key: string): AsyncGenerator<readonly Line[]> {
  const damaged = (place: Place): never => {
    throw fail('ARTIFACT_DAMAGED', { key, detail: describe(place) });
  };
  return readLines(source, damaged, Infinity);
}

/** Second pass: tags become IOB2. */
async function* normalize(path: string, counts: Counter): AsyncGenerator<Uint8Array> {
  for await (const block of ownLines(createReadStream(path), path)) {
    let batch = '';
    for (const { text } of block) {
      if (text === '') continue;
      const item = JSON.parse(text) as Sentence | WordPair;
      const normal = 'tokens' in item && item.tags !== undefined ? { tokens: item.tokens, tags: toIob2(item.tags) } : item;
      counts.take(normal);
      batch += `${JSON.stringify(normal)}\n`;
    }
    yield Buffer.from(batch);
  }
}

function describe(place: Place | undefined): string {
  return place === undefined ? '' : `line ${place.line}, column ${place.column}: ${place.detail}`;
}
