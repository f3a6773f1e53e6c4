/** Aliases of checkpoints that /ner may name. */
import { Type, type Static } from 'typebox';
import { nullable, pageOf, Time } from './common.ts';
import { MODEL_NAME } from './ner.ts';

const Fields = { alias: Type.String(), checkpointId: Type.String(), runId: Type.String(), encoder: Type.String(), updatedAt: Time };

export const ModelRequest = Type.Object({ checkpointId: Type.String() }, { additionalProperties: false, title: 'ModelRequest' });
export const Model = Type.Object(
  { ...Fields, history: Type.Array(Type.Object({ checkpointId: nullable(Type.String({ description: 'Null: the alias was deleted' })), at: Time }), { description: 'Newest first' }) },
  { title: 'Model' },
);
export type Model = Static<typeof Model>;
const ModelEntry = Type.Object(Fields, { title: 'ModelEntry' });
export type ModelEntry = Static<typeof ModelEntry>;
export const ModelList = pageOf(ModelEntry, 'ModelList');
export const ModelParams = Type.Object({ alias: Type.String({ pattern: MODEL_NAME, description: 'Letters, digits, dot, underscore and hyphen' }) });
