/**
 * Hugging Face's token-classification task, as its inference API speaks it (the types that huggingface_hub 2.4 generates from its spec). Its
 * pipelines answer the same, with one item a piece and an `index` for the strategy `none`, where ours is one item a word.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { nullable } from './common.ts';
import { LIMITS, MODEL_NAME } from './ner.ts';

export const TokenClassificationRequest = Type.Object(
  {
    inputs: Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1 })]),
    // its clients' types allow null wherever a key may be left out, and other clients send it
    parameters: maybe(
      Type.Object(
        {
          ignore_labels: maybe(Type.Array(Type.String(), { description: 'Labels that are left out, or tags with the strategy `none`; words without an entity always are' })),
          stride: maybe(Type.Integer({ minimum: 0, description: 'Accepted from clients that send it: a long text is read in overlapping windows in any case' })),
          aggregation_strategy: maybe(Type.Union([Type.Literal('none'), Type.Literal('simple'), Type.Literal('first'), Type.Literal('average'), Type.Literal('max')], { default: 'simple' })),
        },
        { additionalProperties: false },
      ),
    ),
    options: maybe(
      Type.Object(
        { use_cache: maybe(Type.Boolean()), wait_for_model: maybe(Type.Boolean()) },
        { additionalProperties: false, description: 'Accepted from clients that send them: there is no cache, and a model is always waited for' },
      ),
    ),
    model: Type.Optional(Type.String({ pattern: MODEL_NAME, default: 'default', description: 'An alias, or a checkpoint’s id' })),
  },
  { additionalProperties: false, title: 'TokenClassificationRequest', description: LIMITS },
);
const Item = Type.Object(
  { entity_group: Type.Optional(Type.String()), entity: Type.Optional(Type.String()), score: Type.Number(), word: Type.String(), start: Type.Integer(), end: Type.Integer() },
  { title: 'TokenClassificationItem' },
);
export type TokenClassificationItem = Static<typeof Item>;
export const TokenClassificationResponse = Type.Union([Type.Array(Item), Type.Array(Type.Array(Item))], { title: 'TokenClassificationResponse' });

function maybe<T extends TSchema>(schema: T) {
  return Type.Optional(nullable(schema));
}
