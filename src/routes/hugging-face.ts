/** POST /hf/token-classification: the same model in Hugging Face's shape. */
import type { App } from '../app.ts';
import { clientOf } from '../plugins/client.ts';
import { clientGone } from '../plugins/gone.ts';
import { TokenClassificationRequest, TokenClassificationResponse, type TokenClassificationItem } from '../schemas/hugging-face.ts';
import type { NerResult } from '../schemas/ner.ts';

export function huggingFaceRoutes(app: App, _options: object, done: () => void): void {
  const { tagger } = app.dependencies;
  app.post(
    '/hf/token-classification',
    {
      config: { isTextFree: true },
      schema: { tags: ['tagging'], summary: 'Entities in the shape of Hugging Face’s token-classification task', body: TokenClassificationRequest, response: { 200: TokenClassificationResponse } },
    },
    async (request, reply) => {
      const { inputs, parameters = {}, model } = request.body;
      const { aggregation_strategy: aggregation = 'simple', ignore_labels: ignored = [] } = parameters;
      const texts = Array.isArray(inputs) ? inputs : [inputs];
      const { results } = await tagger.tag({ texts, aggregation, ...(model !== undefined && { model }) }, { signal: clientGone(reply), client: clientOf(request) });
      const lists = results.map((result) => itemsOf(result, ignored));
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
