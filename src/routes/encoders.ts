/** /encoders */
import type { App } from '../app.ts';
import { PageOnly } from '../schemas/common.ts';
import { EncoderList } from '../schemas/encoder.ts';
import { pageOfAll } from './whole.ts';

export function encoderRoutes(app: App, _options: object, done: () => void): void {
  const { encoders } = app.dependencies;
  app.get('/encoders', { schema: { tags: ['encoders'], summary: 'Encoders that a run may name', querystring: PageOnly, response: { 200: EncoderList } } }, async (request) =>
    pageOfAll(await encoders(), request.query),
  );
  done();
}
