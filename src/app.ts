/** The API as one Fastify app: plugins, then routes. Everything it needs is handed in. */
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type RawServerDefault } from 'fastify';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { CheckpointDownloads } from './checkpoints/download.ts';
import type { Config } from './config.ts';
import type { DatasetService } from './datasets/service.ts';
import { apiKeys } from './plugins/api-keys.ts';
import { answerClientError } from './plugins/client-error.ts';
import { answerError, errors } from './plugins/errors.ts';
import { connections } from './plugins/connections.ts';
import { eventFeed } from './plugins/event-feed.ts';
import { openApi } from './plugins/openapi.ts';
import { prometheus } from './plugins/prometheus.ts';
import { requestLog } from './plugins/request-log.ts';
import { uploads } from './plugins/uploads.ts';
import { validation } from './plugins/validation.ts';
import { checkpointRoutes } from './routes/checkpoints.ts';
import { datasetRoutes } from './routes/datasets.ts';
import { encoderRoutes } from './routes/encoders.ts';
import { experimentRoutes } from './routes/experiments.ts';
import { healthRoutes } from './routes/health.ts';
import { homeRoutes } from './routes/home.ts';
import { huggingFaceRoutes } from './routes/hugging-face.ts';
import { labelStudioRoutes } from './routes/label-studio.ts';
import { modelRoutes } from './routes/models.ts';
import { nerRoutes } from './routes/ner.ts';
import { resultRoutes } from './routes/results.ts';
import { runRoutes } from './routes/runs.ts';
import type { RunService } from './runs/service.ts';
import { MAX_BODY_BYTES } from './schemas/http.ts';
import type { EncoderRecord } from './store/encoders.ts';
import type { EventFeed } from './store/event-feed.ts';
import type { Store } from './store/store.ts';
import type { TaggerClient } from './tagging/client.ts';

export interface AppDependencies {
  readonly config: Pick<Config, 'maxUploadBytes' | 'apiKeysFile' | 'trustProxy'>;
  readonly store: Store;
  readonly datasets: DatasetService;
  readonly runs: RunService;
  readonly tagger: TaggerClient;
  readonly downloads: CheckpointDownloads;
  /** What a run may name. */
  readonly encoders: () => Promise<EncoderRecord[]>;
  readonly events: EventFeed;
  /** Absent: nothing is logged. */
  readonly logger?: FastifyBaseLogger;
}

export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, TypeBoxTypeProvider>;

declare module 'fastify' {
  interface FastifyInstance {
    readonly dependencies: AppDependencies;
  }
}

/** An experiment's name of 200 characters, percent-encoded. */
const MAX_PARAM_CHARS = 2400;

export async function buildApp(dependencies: AppDependencies): Promise<App> {
  const { logger, config } = dependencies;
  const app: App = fastify({
    ...(logger === undefined ? { logger: false } : { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestIdHeader: false,
    trustProxy: typeof config.trustProxy === 'object' ? [...config.trustProxy] : config.trustProxy,
    genReqId: () => `req_${crypto.randomUUID()}`,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: MAX_PARAM_CHARS },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    clientErrorHandler: answerClientError,
    return503OnClosing: false, // what has come is answered, and its connection closed
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.decorate('dependencies', dependencies);

  await app.register(validation);
  await app.register(errors);
  await app.register(openApi); // before any route, each of which it hears of
  await app.register(requestLog);
  await app.register(prometheus);
  await app.register(apiKeys);
  await app.register(uploads);
  await app.register(connections);
  await app.register(eventFeed);

  await app.register(homeRoutes);
  await app.register(healthRoutes);
  await app.register(datasetRoutes);
  await app.register(encoderRoutes);
  await app.register(experimentRoutes);
  await app.register(runRoutes);
  await app.register(resultRoutes);
  await app.register(checkpointRoutes);
  await app.register(modelRoutes);
  await app.register(nerRoutes);
  await app.register(huggingFaceRoutes);
  await app.register(labelStudioRoutes);
  return app;
}
