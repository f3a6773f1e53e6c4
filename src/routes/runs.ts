/** /runs and /pipelines */
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { fail } from '../errors.ts';
import { idempotently } from '../plugins/idempotency.ts';
import { PipelineAccepted, PipelineRequest, Run, RunOverrides, RunPage, RunParams, RunQuery, RunRequest } from '../schemas/run.ts';
import { IdempotencyHeaders } from '../schemas/http.ts';
import type { PipelineRequest as Pipeline, RunRequest as Request } from '../runs/service.ts';
import { findExperiment } from '../store/experiments.ts';
import { deleteRun, findRun, listRuns } from '../store/runs.ts';
import { nullable } from '../schemas/common.ts';
import { presentRun } from './present.ts';
import { parseFilter, parseSort } from './run-filter.ts';
import { DEFAULT_LIMIT } from './whole.ts';

const tags = ['runs'];

export function runRoutes(app: App, _options: object, done: () => void): void {
  const { store, runs } = app.dependencies;

  async function present(runId: string): Promise<ReturnType<typeof presentRun>> {
    const run = await findRun(store, runId);
    if (run === null) throw fail('RUN_NOT_FOUND', { runId });
    return presentRun(run);
  }

  app.post('/runs', { schema: { tags, summary: 'Submit a run', headers: IdempotencyHeaders, body: RunRequest, response: { 202: Run } } }, (request, reply) =>
    idempotently(request, reply, request.body, async () => ({ statusCode: 202, body: await present((await runs.submit(request.body as Request)).runId) })),
  );

  app.post('/pipelines', { schema: { tags, summary: 'Submit teachers and students together', headers: IdempotencyHeaders, body: PipelineRequest, response: { 202: PipelineAccepted } } }, (request, reply) =>
    idempotently(request, reply, request.body, async () => ({ statusCode: 202, body: await runs.submitPipeline(request.body as Pipeline) })),
  );

  app.get('/runs', { schema: { tags, summary: 'List runs, newest first', querystring: RunQuery, response: { 200: RunPage } } }, async (request) => {
    const { limit = DEFAULT_LIMIT, experiment, filter = '', sort = '-createdAt', ...query } = request.query;
    const order = { conditions: parseFilter(filter), sort: parseSort(sort) };
    const found = experiment === undefined ? undefined : await findExperiment(store, experiment);
    if (found === null) return { items: [], nextCursor: null };
    const { items, nextCursor } = await listRuns(store, { limit, ...query, ...order, experimentId: found?.experimentId });
    return { items: items.map(presentRun), nextCursor };
  });

  app.get('/runs/:runId', { schema: { tags, summary: 'One run', params: RunParams, response: { 200: Run } } }, (request) => present(request.params.runId));

  app.post('/runs/:runId/cancel', { schema: { tags, summary: 'Cancel; again is harmless', params: RunParams, response: { 202: Run } } }, async (request, reply) => {
    await runs.cancel(request.params.runId);
    return reply.code(202).send(await present(request.params.runId));
  });

  app.post('/runs/:runId/resume', { schema: { tags, summary: 'Queue a failed or cancelled run again; it goes on from its resume point', params: RunParams, response: { 202: Run } } }, async (request, reply) => {
    await runs.resume(request.params.runId);
    return reply.code(202).send(await present(request.params.runId));
  });

  app.post(
    '/runs/:runId/clone',
    { schema: { tags, summary: 'Submit the same again, with overrides', headers: IdempotencyHeaders, params: RunParams, body: nullable(RunOverrides), response: { 202: Run } } },
    (request, reply) =>
      idempotently(request, reply, request.body, async () => {
        const { runId } = await runs.clone(request.params.runId, request.body ?? undefined);
        return { statusCode: 202, body: await present(runId) };
      }),
  );

  app.delete('/runs/:runId', { schema: { tags, summary: 'Delete a run that has ended', params: RunParams, response: { 204: Type.Null() } } }, async (request, reply) => {
    await deleteRun(store, request.params.runId);
    return reply.code(204).send(null);
  });
  done();
}
