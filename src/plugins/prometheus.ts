/** GET /metrics in Prometheus' format: requests by route, and Node's own numbers. */
import fp from 'fastify-plugin';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export const prometheus = fp(
  (app, _options, done) => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    const seconds = new Histogram({
      name: 'mtmt_http_request_duration_seconds',
      help: 'Time from request to answer',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers: [registry],
    });
    app.addHook('onResponse', (request, reply, next) => {
      // by route, not by address: ids would make a series each
      seconds.observe({ method: request.method, route: request.routeOptions.url ?? 'none', status: reply.statusCode }, reply.elapsedTime / 1000);
      next();
    });
    app.get('/metrics', { schema: { tags: ['operations'], summary: 'Numbers for Prometheus', response: {} } }, async (_request, reply) => {
      void reply.type(registry.contentType);
      return registry.metrics();
    });
    done();
  },
  { name: 'prometheus' },
);
