/** POST /ner */
import type { App } from '../app.ts';
import { clientOf } from '../plugins/client.ts';
import { clientGone } from '../plugins/gone.ts';
import { NerRequest, NerResponse } from '../schemas/ner.ts';
import { TAGGING_PROBLEMS } from '../schemas/problem.ts';

export function nerRoutes(app: App, _options: object, done: () => void): void {
  const { tagger } = app.dependencies;
  app.post('/ner', { config: { isTextFree: true }, schema: { tags: ['tagging'], summary: 'Entities of texts', body: NerRequest, response: { 200: NerResponse, ...TAGGING_PROBLEMS } } }, (request, reply) =>
    tagger.tag(request.body, { signal: clientGone(reply), client: clientOf(request) }),
  );
  done();
}
