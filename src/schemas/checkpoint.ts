import { Type, type Static } from 'typebox';
import { pageOf, Time } from './common.ts';

export const Checkpoint = Type.Object(
  {
    checkpointId: Type.String(),
    runId: Type.String(),
    step: Type.Integer(),
    isBest: Type.Boolean({ description: 'Whether the run’s own selection chose it' }),
    isLast: Type.Boolean(),
    selections: Type.Array(Type.String(), { description: 'All that chose its step: source-dev, target-dev, last; the scores’ variants by them name it' }),
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

export const ExportFormat = Type.Union([Type.Literal('hf'), Type.Literal('onnx'), Type.Literal('onnx-int8')], {
  default: 'hf',
  description:
    '`hf`: config.json and model.safetensors, which transformers loads. `onnx`: model.onnx (float32, any batch and sequence), which onnxruntime loads. `onnx-int8`: the same with weights of 8 bits and inputs quantized as it runs, smaller and faster, not quite as exact.',
});
export type ExportFormat = Static<typeof ExportFormat>;
export const DownloadQuery = Type.Object({ format: Type.Optional(ExportFormat) }, { additionalProperties: false });
