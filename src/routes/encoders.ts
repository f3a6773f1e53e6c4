/** /encoders */
import type { App } from '../app.ts';
import { EncoderList } from '../schemas/encoder.ts';
import { listEncoders } from '../store/encoders.ts';

export function encoderRoutes(app: App, _options: object, done: () => void): void {
  const { store } = app.dependencies;
  app.get('/encoders', { schema: { tags: ['encoders'], summary: 'Encoders that a run may name', response: { 200: EncoderList } } }, async () => ({
    items: await listEncoders(store),
    nextCursor: null,
  }));
  done();
}
