/** /label-studio/{model}: an ML backend of Label Studio, which is given this address and calls what is below it. */
import type { FastifyError } from 'fastify';
import type { App } from '../app.ts';
import { fail, MtmtError } from '../errors.ts';
import { answerError } from '../plugins/errors.ts';
import { clientOf } from '../plugins/client.ts';
import { clientGone } from '../plugins/gone.ts';
import { BackendHealth, BackendParams, PredictRequest, PredictResponse, SetupRequest, SetupResponse, VersionsResponse, WebhookRequest, WebhookResponse } from '../schemas/label-studio.ts';
import { TAGGING_PROBLEMS } from '../schemas/problem.ts';
import { findCheckpoint } from '../store/checkpoints.ts';
import { checkpointOfAlias, DEFAULT_ALIAS } from '../store/models.ts';
import { readLabelConfig } from './label-config.ts';
import { predict } from './label-studio-predict.ts';

const tags = ['label studio'];
const config = { isTextFree: true };

export function labelStudioRoutes(app: App, _options: object, done: () => void): void {
  const { store, tagger } = app.dependencies;

  async function versionOf(model: string): Promise<string> {
    const checkpointId = model.startsWith('ckpt_') ? ((await findCheckpoint(store, model))?.checkpointId ?? null) : await checkpointOfAlias(store, model);
    if (checkpointId !== null) return checkpointId;
    throw model === DEFAULT_ALIAS ? fail('NO_MODEL', {}) : fail('MODEL_NOT_FOUND', { model });
  }

  // of an error Label Studio shows its user the status line alone
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof MtmtError && error.status < 500) reply.raw.statusMessage = error.message.replace(/[^ -~]/g, '?');
    return answerError(error, request, reply);
  });

  app.get('/label-studio/:model/health', { schema: { tags, summary: 'Whether the backend answers', params: BackendParams, response: { 200: BackendHealth } } }, () => ({
    status: 'UP' as const,
    model_class: 'mtmt',
  }));

  app.post(
    '/label-studio/:model/setup',
    { config, schema: { tags, summary: 'Whether a project’s label config can be served, and by which checkpoint', params: BackendParams, body: SetupRequest, response: { 200: SetupResponse } } },
    async ({ params, body }) => {
      readLabelConfig(body.schema);
      return { model_version: await versionOf(params.model) };
    },
  );

  app.get('/label-studio/:model/versions', { schema: { tags, summary: 'The checkpoint that predicts now', params: BackendParams, response: { 200: VersionsResponse } } }, async ({ params }) => ({
    versions: [await versionOf(params.model)],
  }));

  app.post(
    '/label-studio/:model/predict',
    { config, schema: { tags, summary: 'Entities of tasks, by the labels of the project', params: BackendParams, body: PredictRequest, response: { 200: PredictResponse, ...TAGGING_PROBLEMS } } },
    async (request, reply) => {
      const { params, body, log } = request;
      const { response, missing, without, refused } = await predict(tagger, { model: params.model, request: body, signal: clientGone(reply), client: clientOf(request) });
      if (missing.length > 0) log.warn({ model: params.model, labels: missing }, 'entities left out: the label config lacks their labels');
      if (without + refused > 0) log.warn({ model: params.model, tasks: body.tasks.length, withoutText: without, refused }, 'tasks left without a prediction: they have no text, or one that is not read');
      return response;
    },
  );

  app.post(
    '/label-studio/:model/webhook',
    { config, schema: { tags, summary: 'Takes what Label Studio tells of annotations, and keeps nothing of it', params: BackendParams, body: WebhookRequest, response: { 200: WebhookResponse } } },
    ({ body }) => {
      if (body.action === 'START_TRAINING') throw fail('BACKEND_CANNOT_TRAIN', {});
      return { status: 'ignored' as const };
    },
  );
  done();
}
