/** /checkpoints */
import type { App } from '../app.ts';
import { fail } from '../errors.ts';
import { Checkpoint, CheckpointParams, DownloadQuery } from '../schemas/checkpoint.ts';
import { DownloadHeaders, fileOf } from '../schemas/http.ts';
import { findCheckpoint } from '../store/checkpoints.ts';
import { presentCheckpoint } from './present.ts';
import { sendRange } from './range.ts';

const tags = ['models'];

export function checkpointRoutes(app: App, _options: object, done: () => void): void {
  const { store, downloads } = app.dependencies;

  app.get('/checkpoints/:checkpointId', { schema: { tags, summary: 'One checkpoint with its manifest', params: CheckpointParams, response: { 200: Checkpoint } } }, async (request) => {
    const { checkpointId } = request.params;
    const checkpoint = await findCheckpoint(store, checkpointId);
    if (checkpoint === null) throw fail('CHECKPOINT_NOT_FOUND', { checkpointId });
    return presentCheckpoint(checkpoint);
  });

  app.get(
    '/checkpoints/:checkpointId/download',
    {
      schema: {
        tags,
        summary: 'A tar that transformers or onnxruntime load once unpacked',
        description: 'The whole model, config.json, tokenizer.json, manifest.json and a model card. With Range and ETag.',
        params: CheckpointParams,
        querystring: DownloadQuery,
        headers: DownloadHeaders,
        response: { 200: fileOf('application/x-tar'), 206: fileOf('application/x-tar') },
      },
    },
    async (request, reply) => {
      const { checkpointId } = request.params;
      const { format = 'hf' } = request.query;
      const download = await downloads.open(checkpointId, format);
      const name = format === 'hf' ? checkpointId : `${checkpointId}-${format}`;
      void reply.type('application/x-tar').header('content-disposition', `attachment; filename="${name}.tar"`);
      return sendRange(request, reply, download);
    },
  );
  done();
}
