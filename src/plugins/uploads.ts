/** Multipart uploads, streamed; a file over the limit is refused, never cut (who reads it looks at `truncated`). */
import multipart from '@fastify/multipart';
import fp from 'fastify-plugin';

export const uploads = fp(
  async (app) => {
    const { maxUploadBytes } = app.dependencies.config;
    await app.register(multipart, { limits: { fileSize: maxUploadBytes, files: 1, fields: 20, fieldSize: 100_000 }, throwFileSizeLimit: false });
  },
  { name: 'uploads' },
);
