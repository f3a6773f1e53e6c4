/** GET /: what this is and where to go. */
import type { App } from '../app.ts';
import { PAGE } from '../dashboard/page.ts';

export function homeRoutes(app: App, _options: object, done: () => void): void {
  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE));
  done();
}
