/** /datasets */
import type { FastifyRequest } from 'fastify';
import type { App } from '../app.ts';
import { lines, type Upload } from '../datasets/service.ts';
import { fail } from '../errors.ts';
import { idempotently, type Created } from '../plugins/idempotency.ts';
import {
  Dataset,
  DatasetFields,
  DatasetPage,
  DatasetParams,
  DatasetQuery,
  ExportQuery,
  InlineDataset,
  PairsRequest,
  SentencePage,
  SentenceQuery,
} from '../schemas/dataset.ts';
import { Type } from 'typebox';
import { deleteDataset, findDataset, listDatasets, type DatasetRecord } from '../store/datasets.ts';
import { presentDataset } from './present.ts';
import { readUpload } from './upload.ts';

const tags = ['datasets'];
const ANY_LIMIT = 50;

export function datasetRoutes(app: App, _options: object, done: () => void): void {
  const { store, datasets } = app.dependencies;

  app.post(
    '/datasets',
    {
      schema: {
        tags,
        summary: 'Upload a dataset',
        description: 'multipart/form-data with the fields of `DatasetFields` before the `file`, or JSON with `sentences` or `pairs`.',
        consumes: ['multipart/form-data', 'application/json'],
        body: InlineDataset,
        response: { 200: Dataset, 201: Dataset },
      },
      // a multipart body is read by the handler, part by part, and its fields are validated there
      validatorCompiler: ({ schema, httpPart }) => {
        const validate = app.validatorCompiler?.({ schema, httpPart: httpPart ?? 'body', method: 'POST', url: '/datasets' });
        return (body: unknown) => (body === undefined || body === null ? true : (validate?.(body) ?? true));
      },
    },
    async (request, reply) => {
      const upload = request.isMultipart() ? await readUpload(request, DatasetFields) : inline(request as FastifyRequest<{ Body: InlineDataset }>);
      const { dataset, isNew } = await datasets.upload(upload.fields, upload.source);
      upload.finish();
      return idempotently(request, reply, { ...upload.fields, digest: dataset.digest }, () => Promise.resolve(created(dataset, isNew)));
    },
  );

  app.get('/datasets', { schema: { tags, summary: 'List datasets, newest first', querystring: DatasetQuery, response: { 200: DatasetPage } } }, async (request) => {
    const { limit = ANY_LIMIT, ...query } = request.query;
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
      const { limit = ANY_LIMIT, cursor } = request.query;
      const offset = cursor === undefined ? 0 : Number(cursor);
      if (!Number.isSafeInteger(offset) || offset < 0) throw fail('CURSOR_INVALID', { cursor: cursor ?? '' });
      const { items, hasMore } = await datasets.items(request.params.datasetId, { offset, limit });
      return { items: items as never[], nextCursor: hasMore ? String(offset + limit) : null };
    },
  );

  app.get(
    '/datasets/:datasetId/export',
    { schema: { tags, summary: 'The whole content as a file', params: DatasetParams, querystring: ExportQuery } },
    async (request, reply) => {
      const stream = await datasets.export(request.params.datasetId, request.query.format ?? 'jsonl');
      return reply.type('text/plain; charset=utf-8').send(stream);
    },
  );

  app.post(
    '/datasets/:datasetId/pairs',
    { schema: { tags, summary: 'Draw pairs of words from a labeled dataset', params: DatasetParams, body: PairsRequest, response: { 200: Dataset, 201: Dataset } } },
    async (request, reply) => {
      const { balance = 0.5, seed = 1, ...body } = request.body;
      return idempotently(request, reply, request.body, async () => {
        const { dataset, isNew } = await datasets.drawPairs(request.params.datasetId, { ...body, balance, seed });
        return created(dataset, isNew);
      });
    },
  );

  app.delete('/datasets/:datasetId', { schema: { tags, summary: 'Delete a dataset that no live run uses', params: DatasetParams, response: { 204: Type.Null() } } }, async (request, reply) => {
    await deleteDataset(store, request.params.datasetId);
    return reply.code(204).send(null);
  });
  done();
}

function created(dataset: DatasetRecord, isNew: boolean): Created<Dataset> {
  return { statusCode: isNew ? 201 : 200, body: presentDataset(dataset) };
}

function inline(request: FastifyRequest<{ Body: InlineDataset | undefined }>): { fields: Upload; source: AsyncIterable<Uint8Array>; finish(): void } {
  const { body } = request;
  if (body === undefined) throw fail('BODY_MISSING', {});
  const { sentences, pairs, ...fields } = body;
  if ((sentences === undefined) === (pairs === undefined)) throw fail('DATASET_FIELDS', { detail: 'one of sentences and pairs is given' });
  return { fields: { ...fields, format: pairs === undefined ? 'jsonl' : 'pairs' }, source: lines(pairs ?? sentences ?? []), finish: () => undefined };
}
