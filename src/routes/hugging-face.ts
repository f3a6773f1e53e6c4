/** POST /hf/token-classification: the same model in Hugging Face's shape. */
import type { App } from '../app.ts';
import { TokenClassificationRequest, TokenClassificationResponse, type TokenClassificationItem } from '../schemas/hugging-face.ts';
import type { NerResult } from '../schemas/ner.ts';

export function huggingFaceRoutes(app: App, _options: object, done: () => void): void {
  const { tagger } = app.dependencies;
  app.post(
    '/hf/token-classification',
    { schema: { tags: ['tagging'], summary: 'Entities in the shape of Hugging Face’s token-classification task', body: TokenClassificationRequest, response: { 200: TokenClassificationResponse } } },
    async (request) => {
      const { inputs, parameters, model } = request.body;
      const aggregation = parameters?.aggregation_strategy ?? 'simple';
      const texts = Array.isArray(inputs) ? inputs : [inputs];
      const { results } = await tagger.tag({ texts, aggregation, ...(model !== undefined && { model }) });
      const lists = results.map(itemsOf);
      return Array.isArray(inputs) ? lists : (lists[0] ?? []);
    },
  );
  done();
}

function itemsOf({ entities }: NerResult): TokenClassificationItem[] {
  return entities.map(({ label, tag, text, start, end, score }) => ({ ...(tag === undefined ? { entity_group: label } : { entity: tag }), score, word: text, start, end }));
}
