/** What the API can do with datasets: take them in, read them out, draw pairs. Rows in the store, content in artifact storage. */
import type { Readable } from 'node:stream';
import { Readable as Streams } from 'node:stream';
import { exportPairs, exportSentences, type ExportFormat } from '../corpora/export.ts';
import { ingest, readPairs, readSentences, type IngestOptions } from '../corpora/ingest.ts';
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

export interface DatasetService {
  /** @throws DATASET_INVALID with places, DATASET_NAME_TAKEN; nothing is stored then */
  upload(upload: Upload, source: AsyncIterable<Uint8Array>): Promise<{ dataset: DatasetRecord; isNew: boolean }>;
  /** Sentences or pairs from `offset` on. @throws DATASET_NOT_FOUND */
  items(datasetId: string, page: { offset: number; limit: number }): Promise<{ items: (Sentence | WordPair)[]; hasMore: boolean }>;
  /** @throws DATASET_NOT_FOUND, DATASET_KIND where the format does not fit the kind */
  export(datasetId: string, format: ExportFormat | 'pairs'): Promise<Readable>;
  /** @throws DATASET_NOT_FOUND, DATASET_KIND, DATASET_NAME_TAKEN */
  drawPairs(datasetId: string, request: { name: string; count: number; balance: number; seed: number }): Promise<{ dataset: DatasetRecord; isNew: boolean }>;
}

export function createDatasetService({ store, storage }: { store: Store; storage: Storage }): DatasetService {
  async function upload({ name, split, ...options }: Upload, source: AsyncIterable<Uint8Array>): Promise<{ dataset: DatasetRecord; isNew: boolean }> {
    const ingested = await ingest(source, options, storage);
    return createDataset(store, { name, split, kind: options.kind, language: options.language, ...ingested });
  }
  async function existing(datasetId: string): Promise<DatasetRecord> {
    const dataset = await findDataset(store, datasetId);
    if (dataset === null) throw fail('DATASET_NOT_FOUND', { datasetId });
    return dataset;
  }
  return {
    upload,
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
    async export(datasetId, format) {
      const { kind, storageKey } = await existing(datasetId);
      if ((kind === 'pairs') !== (format === 'pairs')) throw fail('DATASET_KIND', { datasetId, detail: `it is ${kind}, which cannot be exported as ${format}` });
      return Streams.from(format === 'pairs' ? exportPairs(readPairs(storage, storageKey)) : exportSentences(readSentences(storage, storageKey), format));
    },
    async drawPairs(datasetId, { name, ...request }) {
      const { kind, storageKey, language, split } = await existing(datasetId);
      if (kind !== 'labeled') throw fail('DATASET_KIND', { datasetId, detail: `it is ${kind}, and pairs are drawn from a labeled dataset` });
      const sentences: Sentence[] = [];
      for await (const sentence of readSentences(storage, storageKey)) sentences.push(sentence);
      const pairs = drawPairs(sentences, request);
      return upload({ name, split, kind: 'pairs', format: 'pairs', language }, lines(pairs));
    },
  };
}

/** JSON lines of inline content. */
export function lines(items: Iterable<unknown>): AsyncIterable<Uint8Array> {
  return Streams.from(encoded(items));
}

function* encoded(items: Iterable<unknown>): Generator<Uint8Array> {
  for (const item of items) yield Buffer.from(`${JSON.stringify(item)}\n`);
}
