/** One line a request: no body, no query, no path parameters, nothing that a user wrote. */
import fp from 'fastify-plugin';
import { onEnded } from './ended.ts';

export const requestLog = fp(
  (app, _options, done) => {
    app.addHook('onRequest', (request, reply, next) => {
      void reply.header('x-request-id', request.id);
      next();
    });
    onEnded(app, (request, reply, status) => {
      const { method, routeOptions } = request;
      const isQuiet = routeOptions.url?.startsWith('/health/') === true || routeOptions.url === '/metrics';
      const line = { requestId: request.id, method, route: routeOptions.url ?? 'none', status, ms: Math.round(reply.elapsedTime) };
      request.log[isQuiet ? 'debug' : 'info'](line, 'request');
    });
    done();
  },
  { name: 'request-log' },
);
