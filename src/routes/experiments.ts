/** /experiments */
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { fail } from '../errors.ts';
import { idempotently } from '../plugins/idempotency.ts';
import { Experiment, ExperimentPage, ExperimentParams, ExperimentPatch, ExperimentQuery, ExperimentRequest } from '../schemas/experiment.ts';
import { IdempotencyHeaders } from '../schemas/http.ts';
import { createExperiment, deleteExperiment, findExperiment, listExperiments, updateExperiment } from '../store/experiments.ts';
import { presentExperiment } from './present.ts';
import { DEFAULT_LIMIT } from './whole.ts';

const tags = ['experiments'];

export function experimentRoutes(app: App, _options: object, done: () => void): void {
  const { store } = app.dependencies;

  app.post('/experiments', { schema: { tags, summary: 'Create an experiment', headers: IdempotencyHeaders, body: ExperimentRequest, response: { 201: Experiment } } }, (request, reply) =>
    idempotently(request, reply, request.body, async () => ({ statusCode: 201, body: presentExperiment(await createExperiment(store, request.body)) })),
  );

  app.get('/experiments', { schema: { tags, summary: 'List experiments, newest first', querystring: ExperimentQuery, response: { 200: ExperimentPage } } }, async (request) => {
    const { limit = DEFAULT_LIMIT, cursor } = request.query;
    const { items, nextCursor } = await listExperiments(store, { limit, cursor });
    return { items: items.map(presentExperiment), nextCursor };
  });

  app.get('/experiments/:experimentId', { schema: { tags, summary: 'One experiment', params: ExperimentParams, response: { 200: Experiment } } }, async (request) => {
    const { experimentId } = request.params;
    const experiment = await findExperiment(store, experimentId);
    if (experiment === null) throw fail('EXPERIMENT_NOT_FOUND', { experimentId });
    return presentExperiment(experiment);
  });

  app.patch(
    '/experiments/:experimentId',
    { schema: { tags, summary: 'Change name, hypothesis or tags', params: ExperimentParams, body: ExperimentPatch, response: { 200: Experiment } } },
    async (request) => presentExperiment(await updateExperiment(store, request.params.experimentId, request.body)),
  );

  app.delete('/experiments/:experimentId', { schema: { tags, summary: 'Delete an experiment without live runs', params: ExperimentParams, response: { 204: Type.Null() } } }, async (request, reply) => {
    await deleteExperiment(store, request.params.experimentId);
    return reply.code(204).send(null);
  });
  done();
}
