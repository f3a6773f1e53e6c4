/**
 * What Label Studio (1.23) asks of an ML backend, and what it reads of the answer: label_studio/ml/api_connector.py and models.py there. Keys
 * that it adds are let through: they are its versions' own.
 */
import { Type, type Static } from 'typebox';
import { nullable } from './common.ts';
import { MODEL_NAME } from './ner.ts';

/** UTF-16 units; some thousand labels. */
const LabelConfigXml = Type.String({ maxLength: 1_000_000, description: 'The project’s label config: a `Labels` over a `Text`' });

export const BackendParams = Type.Object({ model: Type.String({ pattern: MODEL_NAME, description: 'An alias, or a checkpoint’s id' }) });

export const BackendHealth = Type.Object({ status: Type.Literal('UP'), model_class: Type.String() }, { title: 'BackendHealth' });

export const SetupRequest = Type.Object({ schema: LabelConfigXml }, { additionalProperties: true, title: 'SetupRequest' });
export const SetupResponse = Type.Object({ model_version: Type.String({ description: 'The checkpoint’s id' }) }, { title: 'SetupResponse' });

export const VersionsResponse = Type.Object({ versions: Type.Array(Type.String()) }, { title: 'VersionsResponse' });

export const PredictRequest = Type.Object(
  {
    label_config: LabelConfigXml,
    tasks: Type.Array(
      Type.Object({ id: Type.Optional(Type.Unknown()), data: Type.Record(Type.String(), Type.Unknown()) }, { additionalProperties: true, title: 'LabelingTask' }),
    ),
  },
  { additionalProperties: true, title: 'PredictRequest' },
);
export type PredictRequest = Static<typeof PredictRequest>;

const Region = Type.Object(
  {
    from_name: Type.String(),
    to_name: Type.String(),
    type: Type.Literal('labels'),
    value: Type.Object({ start: Type.Integer(), end: Type.Integer(), text: Type.String(), labels: Type.Array(Type.String()) }, { description: 'Offsets in code points' }),
    score: Type.Number(),
  },
  { title: 'Region' },
);
export type Region = Static<typeof Region>;

const Prediction = Type.Object(
  { result: Type.Array(Region), score: nullable(Type.Number({ description: 'The mean of its regions’' })), model_version: Type.String() },
  { title: 'Prediction' },
);
export type Prediction = Static<typeof Prediction>;

export const PredictResponse = Type.Object(
  { results: Type.Array(Prediction, { description: 'One for each task, in order' }), warnings: Type.Array(Type.String()) },
  { title: 'PredictResponse' },
);
export type PredictResponse = Static<typeof PredictResponse>;

export const WebhookRequest = Type.Object({ action: Type.String() }, { additionalProperties: true, title: 'WebhookRequest' });
export const WebhookResponse = Type.Object({ status: Type.Literal('ignored') }, { title: 'WebhookResponse' });
