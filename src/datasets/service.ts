/** What the API can do with datasets: take them in, read them out, draw pairs. Rows in the store, content in artifact storage. */
import type { Readable } from 'node:stream';
import { Readable as Streams } from 'node:stream';
import { exportPairs, exportSentences, type ExportFormat } from '../corpora/export.ts';
import { ingest, readPairs, readSentences, type Ingested, type IngestOptions } from '../corpora/ingest.ts';
import { drawPairs, type WordPair } from '../corpora/pairs.ts';
import type { Sentence } from '../corpora/corpus.ts';
import { fail } from '../errors.ts';
import type { Storage } from '../storage/storage.ts';
import { createDataset, findDataset, type DatasetRecord, type Split } from '../store/datasets.ts';
import type { Store } from '../store/store.ts';

export interface Upload extends IngestOptions {
  readonly name: string;
  readonly split: Split;
}

/** Content that has been read and found well: it lies in storage, and is no dataset yet. */
export interface Prepared extends Ingested {
  readonly upload: Upload;
}

export interface DatasetService {
  /** @throws DATASET_INVALID with places; nothing is stored then */
  prepare(upload: Upload, source: AsyncIterable<Uint8Array>): Promise<Prepared>;
  /** The same content under the same name is the dataset that is there. @throws DATASET_NAME_TAKEN */
  create(prepared: Prepared): Promise<{ dataset: DatasetRecord; isNew: boolean }>;
  /** Sentences or pairs from `offset` on. @throws DATASET_NOT_FOUND */
  items(datasetId: string, page: { offset: number; limit: number }): Promise<{ items: (Sentence | WordPair)[]; hasMore: boolean }>;
  /** Without a format: JSON lines. @throws DATASET_NOT_FOUND, DATASET_KIND where the format does not fit the kind */
  export(datasetId: string, format: ExportFormat | 'pairs' | undefined): Promise<{ format: ExportFormat | 'pairs'; stream: Readable }>;
  /** @throws DATASET_NOT_FOUND, DATASET_KIND, DATASET_NAME_TAKEN */
  drawPairs(datasetId: string, request: { name: string; count: number; balance: number; seed: number }): Promise<{ dataset: DatasetRecord; isNew: boolean }>;
}

export function createDatasetService({ store, storage }: { store: Store; storage: Storage }): DatasetService {
  async function prepare(upload: Upload, source: AsyncIterable<Uint8Array>): Promise<Prepared> {
    const { name: _, split: __, ...options } = upload;
    return { upload, ...(await ingest(source, options, storage)) };
  }
  async function create({ upload: { name, split, kind, language }, ...ingested }: Prepared): Promise<{ dataset: DatasetRecord; isNew: boolean }> {
    return createDataset(store, { name, split, kind, language, ...ingested });
  }
  async function existing(datasetId: string): Promise<DatasetRecord> {
    const dataset = await findDataset(store, datasetId);
    if (dataset === null) throw fail('DATASET_NOT_FOUND', { datasetId });
    return dataset;
  }
  return {
    prepare,
    create,
    async items(datasetId, { offset, limit }) {
      const { kind, storageKey } = await existing(datasetId);
      const items: (Sentence | WordPair)[] = [];
      let at = 0;
      for await (const item of kind === 'pairs' ? readPairs(storage, storageKey) : readSentences(storage, storageKey)) {
        if (at++ < offset) continue;
        if (items.length === limit) return { items, hasMore: true };
        items.push(item);
      }
      return { items, hasMore: false };
    },
    async export(datasetId, wanted) {
      const { kind, storageKey, language } = await existing(datasetId);
      const format = wanted ?? (kind === 'pairs' ? 'pairs' : 'jsonl');
      if ((kind === 'pairs') !== (format === 'pairs')) throw fail('DATASET_KIND', { datasetId, detail: `it is ${kind}, which cannot be exported as ${format}` });
      const texts = format === 'pairs' ? exportPairs(readPairs(storage, storageKey)) : exportSentences(readSentences(storage, storageKey), format, language);
      return { format, stream: Streams.from(texts) };
    },
    async drawPairs(datasetId, { name, ...request }) {
      const { kind, storageKey, language, split } = await existing(datasetId);
      if (kind !== 'labeled') throw fail('DATASET_KIND', { datasetId, detail: `it is ${kind}, and pairs are drawn from a labeled dataset` });
      const sentences: Sentence[] = [];
      for await (const sentence of readSentences(storage, storageKey)) sentences.push(sentence);
      const pairs = drawPairs(sentences, request);
      return create(await prepare({ name, split, kind: 'pairs', format: 'pairs', language }, lines(pairs)));
    },
  };
}

/** JSON lines of inline content. */
export function lines(items: Iterable<unknown>): AsyncIterable<Uint8Array> {
  return Streams.from(linesOf(items));
}

function* linesOf(items: Iterable<unknown>): Generator<Uint8Array> {
  for (const item of items) yield Buffer.from(`${JSON.stringify(item)}\n`);
}
