import { Type } from 'typebox';
import { pageOf } from './common.ts';

/** A pretrained encoder that a run may name. */
export const Encoder = Type.Object(
  {
    encoderId: Type.String(),
    source: Type.String(),
    architecture: Type.String(),
    layers: Type.Integer(),
    hiddenSize: Type.Integer(),
    vocabularySize: Type.Integer(),
    sizeBytes: Type.Integer(),
    digest: Type.String(),
    license: Type.String(),
  },
  { title: 'Encoder' },
);
export const EncoderList = pageOf(Encoder, 'EncoderList');
