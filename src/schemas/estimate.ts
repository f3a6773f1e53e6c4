/** F1 without gold tags: what a run is estimated to reach on a language that it has only raw text of. */
import { Type, type Static } from 'typebox';
import { nullable, pageOf, PageQuery, Share } from './common.ts';

export const Estimate = Type.Object(
  {
    language: Type.String(),
    f1: Type.Unsafe<number>({ ...Share, description: 'Entity F1 as conlleval counts it, estimated on raw text with what labeled source text says of the model' }),
    precision: Share,
    recall: Share,
    ci95: Type.Array(Share, { minItems: 2, maxItems: 2, description: 'Of F1: sampling of both texts, and the whole correction for text that the model does not know' }),
    confidence: Type.Unsafe<number>({ ...Share, description: 'F1 by the model’s own probabilities (a student’s: the mean of its and its teacher’s), calibrated on source text, before that correction' }),
    agreement: nullable(Type.Unsafe<number>({ ...Share, description: 'F1 of a student’s tags against its teacher’s; null without a teacher' })),
    sentences: Type.Integer({ description: 'Of raw text that it was estimated on' }),
    words: Type.Integer(),
    checkpointId: Type.String(),
    truth: nullable(
      Type.Object(
        { f1: Share, split: Type.String(), error: Type.Number({ description: 'The estimate minus the truth' }) },
        { description: 'By the run’s own scores on labeled sets of the language, counted together; null where there are none' },
      ),
    ),
  },
  { title: 'Estimate' },
);
export type Estimate = Static<typeof Estimate>;
export const EstimateList = pageOf(Estimate, 'EstimateList');
export const EstimateQuery = Type.Object({ ...PageQuery, language: Type.Optional(Type.String()) }, { additionalProperties: false });
