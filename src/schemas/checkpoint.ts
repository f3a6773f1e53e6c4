import { Type, type Static } from 'typebox';
import { pageOf, Time } from './common.ts';

export const Checkpoint = Type.Object(
  {
    checkpointId: Type.String(),
    runId: Type.String(),
    step: Type.Integer(),
    isBest: Type.Boolean(),
    isLast: Type.Boolean(),
    digest: Type.String({ description: 'sha256 of the stored weights; frozen ones are the encoder’s' }),
    sizeBytes: Type.Integer(),
    manifest: Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true }),
    createdAt: Time,
  },
  { title: 'Checkpoint' },
);
export type Checkpoint = Static<typeof Checkpoint>;
export const CheckpointList = pageOf(Checkpoint, 'CheckpointList');
export const CheckpointParams = Type.Object({ checkpointId: Type.String() });
