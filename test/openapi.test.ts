import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { OPENAPI_PATH, openApiDocument } from '../src/openapi.ts';

test('openapi/openapi.json is what the routes say', async () => {
  assert.equal(await readFile(OPENAPI_PATH, 'utf8'), await openApiDocument(), 'it is stale; run: npm run openapi');
});

/** The contract's routes; paths as OpenAPI writes them. */
const ROUTES = [
  'POST /datasets', 'GET /datasets', 'GET /datasets/{datasetId}', 'GET /datasets/{datasetId}/sentences', 'GET /datasets/{datasetId}/export', 'DELETE /datasets/{datasetId}', 'POST /datasets/{datasetId}/pairs',
  'GET /encoders', 'POST /experiments', 'GET /experiments', 'GET /experiments/{experimentId}', 'PATCH /experiments/{experimentId}', 'DELETE /experiments/{experimentId}',
  'POST /runs', 'POST /pipelines', 'GET /runs', 'GET /runs/{runId}', 'POST /runs/{runId}/cancel', 'POST /runs/{runId}/resume', 'POST /runs/{runId}/clone', 'DELETE /runs/{runId}',
  'GET /runs/{runId}/scores', 'GET /runs/{runId}/estimates', 'GET /runs/{runId}/metrics', 'GET /runs/{runId}/events', 'GET /runs/{runId}/checkpoints', 'POST /runs/compare',
  'GET /checkpoints/{checkpointId}', 'GET /checkpoints/{checkpointId}/download', 'PUT /models/{alias}', 'GET /models', 'GET /models/{alias}', 'DELETE /models/{alias}',
  'POST /ner', 'POST /hf/token-classification', ...['GET health', 'POST setup', 'GET versions', 'POST predict', 'POST webhook'].map((route) => route.replace(' ', ' /label-studio/{model}/')),
  'GET /health/live', 'GET /health/ready', 'GET /metrics',
];

test('the document has the contract’s routes, each with a summary, and every error code', async () => {
  const document = JSON.parse(await openApiDocument()) as { openapi: string; paths: Record<string, Record<string, { summary?: string; responses: object }>>; 'x-error-codes': Record<string, { status: number }> };
  assert.equal(document.openapi, '3.1.0');
  const found = Object.entries(document.paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  assert.deepEqual(found.sort(), [...ROUTES].sort());
  for (const methods of Object.values(document.paths)) {
    for (const { summary, responses } of Object.values(methods)) {
      assert.ok(summary);
      assert.ok('default' in responses, summary);
    }
  }
  assert.equal(document['x-error-codes']['DATASET_INVALID']?.status, 422);
});

test('routes that tag name what may go wrong, and when to come again', async () => {
  type Answer = { headers?: object; content: object };
  const { paths, components } = JSON.parse(await openApiDocument()) as { paths: Record<string, { post?: { responses: Record<string, Answer> } }>; components: { schemas: Record<string, { description?: string }> } };
  for (const path of ['/ner', '/hf/token-classification', '/label-studio/{model}/predict']) {
    const { responses = {} } = paths[path]?.post ?? {};
    assert.deepEqual(Object.keys(responses), ['200', '400', '404', '409', '413', '422', '503', 'default'], path);
    for (const [status, { content }] of Object.entries(responses)) if (status !== '200') assert.deepEqual(content, { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } });
    assert.deepEqual(Object.keys(responses['503']?.headers ?? {}), ['Retry-After']);
  }
  for (const name of ['NerRequest', 'TokenClassificationRequest']) assert.match(components.schemas[name]?.description ?? '', /1000 texts.*2000000 UTF-16 units.*500000 words.*16777216 bytes/);
});

/** What the contract names in each answer; more may be there, none of these is missing. */
const FIELDS: Record<string, string> = {
  Dataset: 'datasetId name kind language split format tagScheme labels sentences words entities pairs digest sizeBytes warnings createdAt',
  Encoder: 'encoderId source architecture layers hiddenSize vocabularySize sizeBytes digest license',
  Run: 'runId kind status terminal experimentId name encoder datasets teachers requested options seed device backend worker progress transitions failure createdAt startedAt endedAt',
  Score: 'datasetId language split precision recall f1 tp fp fn sentences words labels ci95 checkpointId selection scorer decoding',
  Estimate: 'language f1 precision recall ci95 agreement sentences words truth',
  Event: 'eventId at level type message data',
  PipelineAccepted: 'experimentId runs',
  NerResult: 'entities language truncated windows pieces',
  Entity: 'label text start end score',
  Problem: 'type title status detail code requestId',
};

test('answers always have the fields that the contract names, and every reference leads somewhere', async () => {
  const text = await openApiDocument();
  const { components } = JSON.parse(text) as { components: { schemas: Record<string, { required?: string[]; properties?: object }> } };
  for (const [name, fields] of Object.entries(FIELDS)) {
    const missing = fields.split(' ').filter((field) => components.schemas[name]?.required?.includes(field) !== true);
    assert.deepEqual(missing, [], name);
  }
  for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) assert.ok(name in components.schemas, name);
  const { properties = {} } = components.schemas['TrainingOptions'] ?? {};
  for (const [name, option] of Object.entries(properties) as [string, { description?: string; default?: unknown }][]) {
    assert.ok(option.description !== undefined && option.default !== undefined, name);
  }
});
