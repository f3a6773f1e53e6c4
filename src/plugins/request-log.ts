/** One line a request: no body, no query, no path parameters, nothing that a user wrote. */
import fp from 'fastify-plugin';

export const requestLog = fp(
  (app, _options, done) => {
    app.addHook('onRequest', (request, reply, next) => {
      void reply.header('x-request-id', request.id);
      next();
    });
    app.addHook('onResponse', (request, reply, next) => {
      const { method, routeOptions } = request;
      const isQuiet = routeOptions.url?.startsWith('/health/') === true || routeOptions.url === '/metrics';
      const line = { requestId: request.id, method, route: routeOptions.url ?? 'none', status: reply.statusCode, ms: Math.round(reply.elapsedTime) };
      request.log[isQuiet ? 'debug' : 'info'](line, 'request');
      next();
    });
    done();
  },
  { name: 'request-log' },
);
