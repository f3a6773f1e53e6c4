/** Aliases of checkpoints that /ner may name. */
import { Type } from 'typebox';
import { listOf, nullable, Time } from './common.ts';

const Fields = { alias: Type.String(), checkpointId: Type.String(), runId: Type.String(), encoder: Type.String(), updatedAt: Time };

export const ModelRequest = Type.Object({ checkpointId: Type.String() }, { additionalProperties: false, title: 'ModelRequest' });
export const Model = Type.Object(
  { ...Fields, history: Type.Array(Type.Object({ checkpointId: nullable(Type.String({ description: 'Null: the alias was deleted' })), at: Time }), { description: 'Newest first' }) },
  { title: 'Model' },
);
export const ModelList = listOf(Type.Object(Fields, { title: 'ModelEntry' }), 'ModelList');
export const ModelParams = Type.Object({ alias: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$', description: 'Letters, digits, dot, underscore and hyphen' }) });
