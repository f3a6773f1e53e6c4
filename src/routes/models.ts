/** /models */
import { Type } from 'typebox';
import type { App } from '../app.ts';
import { fail } from '../errors.ts';
import { PageOnly } from '../schemas/common.ts';
import { Model, ModelList, ModelParams, ModelRequest } from '../schemas/model.ts';
import { deleteModel, findModel, listModels, putModel } from '../store/models.ts';
import { presentModel, presentModelEntry } from './present.ts';
import { pageOfAll } from './whole.ts';

const tags = ['models'];
const MOVES =
  'The alias moves at once. Its first request waits for some seconds where no tagger has loaded the checkpoint yet: ask POST /ner for the checkpoint by its id once, before the alias is moved, and none does.';

export function modelRoutes(app: App, _options: object, done: () => void): void {
  const { store } = app.dependencies;

  async function present(alias: string): Promise<Model> {
    const model = await findModel(store, alias);
    if (model === null) throw fail('MODEL_NOT_FOUND', { model: alias });
    return presentModel(model);
  }

  app.get('/models', { schema: { tags, summary: 'Aliases that /ner may name', querystring: PageOnly, response: { 200: ModelList } } }, async (request) =>
    pageOfAll((await listModels(store)).map(presentModelEntry), request.query),
  );

  app.get('/models/:alias', { schema: { tags, summary: 'One alias, with what it pointed at', params: ModelParams, response: { 200: Model } } }, (request) => present(request.params.alias));

  app.put('/models/:alias', { schema: { tags, summary: 'Point an alias at a checkpoint', description: MOVES, params: ModelParams, body: ModelRequest, response: { 200: Model } } }, async (request) => {
    await putModel(store, request.params.alias, request.body.checkpointId);
    return present(request.params.alias);
  });

  app.delete('/models/:alias', { schema: { tags, summary: 'Delete an alias', params: ModelParams, response: { 204: Type.Null() } } }, async (request, reply) => {
    await deleteModel(store, request.params.alias);
    return reply.code(204).send(null);
  });
  done();
}
