/** /datasets */
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { fail } from '../errors.ts';
import { idempotently, type Created } from '../plugins/idempotency.ts';
import {
  Dataset,
  DatasetPage,
  DatasetParams,
  DatasetQuery,
  DatasetUpload,
  ExportQuery,
  InlineDataset,
  PairsRequest,
  SentencePage,
  SentenceQuery,
  type Item,
} from '../schemas/dataset.ts';
import { fileOf, IdempotencyHeaders, MEDIA_TYPES } from '../schemas/http.ts';
import { deleteDataset, findDataset, listDatasets, type DatasetRecord } from '../store/datasets.ts';
import { readInline } from './inline.ts';
import { presentDataset } from './present.ts';
import { readUpload } from './upload.ts';
import { cursorOf, DEFAULT_LIMIT, offsetOf } from './whole.ts';

const tags = ['datasets'];

export function datasetRoutes(app: App, _options: object, done: () => void): void {
  const { store, datasets } = app.dependencies;

  app.post(
    '/datasets',
    {
      schema: {
        tags,
        summary: 'Upload a dataset',
        description: 'A file as multipart/form-data, its fields before it, or JSON with `sentences` or `pairs`. The same content under the same name is the dataset that is there (200).',
        headers: IdempotencyHeaders,
        body: { content: { 'multipart/form-data': { schema: DatasetUpload }, 'application/json': { schema: InlineDataset } } },
        response: { 200: Dataset, 201: Dataset },
      },
    },
    async (request, reply) => {
      const prepared = request.isMultipart() ? await readUpload(request, datasets.prepare) : await readInline(request.body, datasets.prepare);
      const { upload, digest } = prepared;
      return idempotently(request, reply, { ...upload, digest }, async () => created(await datasets.create(prepared)));
    },
  );

  app.get('/datasets', { schema: { tags, summary: 'List datasets, newest first', querystring: DatasetQuery, response: { 200: DatasetPage } } }, async (request) => {
    const { limit = DEFAULT_LIMIT, ...query } = request.query;
    const { items, nextCursor } = await listDatasets(store, { limit, ...query });
    return { items: items.map(presentDataset), nextCursor };
  });

  app.get('/datasets/:datasetId', { schema: { tags, summary: 'One dataset', params: DatasetParams, response: { 200: Dataset } } }, async (request) => {
    const { datasetId } = request.params;
    const dataset = await findDataset(store, datasetId);
    if (dataset === null) throw fail('DATASET_NOT_FOUND', { datasetId });
    return presentDataset(dataset);
  });

  app.get(
    '/datasets/:datasetId/sentences',
    { schema: { tags, summary: 'Its sentences or pairs, in order', params: DatasetParams, querystring: SentenceQuery, response: { 200: SentencePage } } },
    async (request) => {
      const { limit = DEFAULT_LIMIT, cursor } = request.query;
      const offset = offsetOf(cursor);
      const { items, hasMore } = await datasets.items(request.params.datasetId, { offset, limit });
      return { items: items as Item[], nextCursor: cursorOf(offset + limit, hasMore) };
    },
  );

  app.get(
    '/datasets/:datasetId/export',
    { schema: { tags, summary: 'The whole content as a file', params: DatasetParams, querystring: ExportQuery, response: { 200: fileOf(...Object.values(MEDIA_TYPES)) } } },
    async (request, reply) => {
      const { datasetId } = request.params;
      const { format, stream } = await datasets.export(datasetId, request.query.format);
      const [type, extension] = isLines(format) ? [MEDIA_TYPES.lines, 'jsonl'] : [MEDIA_TYPES.text, 'txt'];
      return reply.type(type).header('content-disposition', `attachment; filename="${datasetId}.${extension}"`).send(stream);
    },
  );

  app.post(
    '/datasets/:datasetId/pairs',
    { schema: { tags, summary: 'Draw pairs of words from a labeled dataset', headers: IdempotencyHeaders, params: DatasetParams, body: PairsRequest, response: { 200: Dataset, 201: Dataset } } },
    async (request, reply) => {
      const { balance = 0.5, seed = 1, ...body } = request.body;
      return idempotently(request, reply, request.body, async () => created(await datasets.drawPairs(request.params.datasetId, { ...body, balance, seed })));
    },
  );

  app.delete('/datasets/:datasetId', { schema: { tags, summary: 'Delete a dataset that no live run uses', params: DatasetParams, response: { 204: Type.Null() } } }, async (request, reply) => {
    await deleteDataset(store, request.params.datasetId);
    return reply.code(204).send(null);
  });
  done();
}

function created({ dataset, isNew }: { dataset: DatasetRecord; isNew: boolean }): Created<Dataset> {
  return { statusCode: isNew ? 201 : 200, body: presentDataset(dataset) };
}

function isLines(format: string): boolean {
  return format === 'jsonl' || format === 'spans' || format === 'pairs';
}
