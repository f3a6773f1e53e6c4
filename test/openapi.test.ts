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
  'GET /runs/{runId}/scores', 'GET /runs/{runId}/metrics', 'GET /runs/{runId}/events', 'GET /runs/{runId}/checkpoints', 'POST /runs/compare',
  'GET /checkpoints/{checkpointId}', 'GET /checkpoints/{checkpointId}/download', 'PUT /models/{alias}', 'GET /models', 'GET /models/{alias}', 'DELETE /models/{alias}',
  'POST /ner', 'POST /hf/token-classification', 'GET /health/live', 'GET /health/ready', 'GET /metrics',
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
