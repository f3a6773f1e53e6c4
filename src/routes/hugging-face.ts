/** POST /hf/token-classification: the same model in Hugging Face's shape. */
import type { App } from '../app.ts';
import { clientOf } from '../plugins/client.ts';
import { clientGone } from '../plugins/gone.ts';
import { TokenClassificationRequest, TokenClassificationResponse, type TokenClassificationItem } from '../schemas/hugging-face.ts';
import type { NerResult } from '../schemas/ner.ts';
import { TAGGING_PROBLEMS } from '../schemas/problem.ts';
import { repointed } from './repointed.ts';

export function huggingFaceRoutes(app: App, _options: object, done: () => void): void {
  const { tagger } = app.dependencies;
  app.post(
    '/hf/token-classification',
    {
      config: { isTextFree: true },
      schema: { tags: ['tagging'], summary: 'Entities in the shape of Hugging Face’s token-classification task', body: TokenClassificationRequest, response: { 200: TokenClassificationResponse, ...TAGGING_PROBLEMS } },
    },
    async (request, reply) => {
      const { inputs, parameters, model } = request.body;
      const texts = Array.isArray(inputs) ? inputs : [inputs];
      const asked = { texts, aggregation: parameters?.aggregation_strategy ?? 'simple', ...(model !== undefined && { model }) };
      const { results } = await tagger.tag(asked, { signal: clientGone(reply), client: clientOf(request) }).catch((error: unknown) => {
        throw repointed(error, (pointer) => pointer.replace(Array.isArray(inputs) ? /^\/texts/ : /^\/texts\/0/, '/inputs'));
      });
      const lists = results.map((result) => itemsOf(result, parameters?.ignore_labels ?? []));
      return Array.isArray(inputs) ? lists : (lists[0] ?? []);
    },
  );
  done();
}

function itemsOf({ entities }: NerResult, ignored: readonly string[]): TokenClassificationItem[] {
  return entities
    .filter(({ label, tag }) => !ignored.includes(tag ?? label))
    .map(({ label, tag, text, start, end, score }) => ({ ...(tag === undefined ? { entity_group: label } : { entity: tag }), score, word: text, start, end }));
}
