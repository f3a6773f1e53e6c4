/** /models */
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { fail } from '../errors.ts';
import { Model, ModelList, ModelParams, ModelRequest } from '../schemas/model.ts';
import { deleteModel, findModel, listModels, putModel, type ModelRecord } from '../store/models.ts';

const tags = ['models'];

export function modelRoutes(app: App, _options: object, done: () => void): void {
  const { store } = app.dependencies;

  async function present(alias: string): Promise<object> {
    const model = await findModel(store, alias);
    if (model === null) throw fail('MODEL_NOT_FOUND', { model: alias });
    const { history, ...record } = model;
    return { ...presentModel(record), history: history.map(({ checkpointId, at }) => ({ checkpointId, at: at.toISOString() })) };
  }

  app.get('/models', { schema: { tags, summary: 'Aliases that /ner may name', response: { 200: ModelList } } }, async () => ({ items: (await listModels(store)).map(presentModel), nextCursor: null }));

  app.get('/models/:alias', { schema: { tags, summary: 'One alias, with what it pointed at', params: ModelParams, response: { 200: Model } } }, async (request) => (await present(request.params.alias)) as never);

  app.put('/models/:alias', { schema: { tags, summary: 'Point an alias at a checkpoint', params: ModelParams, body: ModelRequest, response: { 200: Model } } }, async (request) => {
    await putModel(store, request.params.alias, request.body.checkpointId);
    return (await present(request.params.alias)) as never;
  });

  app.delete('/models/:alias', { schema: { tags, summary: 'Delete an alias', params: ModelParams, response: { 204: Type.Null() } } }, async (request, reply) => {
    await deleteModel(store, request.params.alias);
    return reply.code(204).send(null);
  });
  done();
}

function presentModel({ alias, checkpointId, runId, encoderId, updatedAt }: ModelRecord): { alias: string; checkpointId: string; runId: string; encoder: string; updatedAt: string } {
  return { alias, checkpointId, runId, encoder: encoderId, updatedAt: updatedAt.toISOString() };
}
