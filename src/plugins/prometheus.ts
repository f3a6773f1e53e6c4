/** GET /metrics in Prometheus' format: requests by route, and Node's own numbers. */
import fp from 'fastify-plugin';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { fileOf } from '../schemas/http.ts';
import { countRuns } from '../store/runs.ts';
import { onEnded } from './ended.ts';

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
    const { store } = app.dependencies;
    new Gauge({
      name: 'mtmt_runs',
      help: 'Runs by status',
      labelNames: ['status'],
      registers: [registry],
      async collect() {
        // without its database a process still has numbers to tell
        const counts = await countRuns(store).catch(() => []);
        this.reset();
        for (const { status, count } of counts) this.set({ status }, count);
      },
    });
    // by route, not by address: ids would make a series each
    onEnded(app, ({ method, routeOptions }, { elapsedTime }, status) => seconds.observe({ method, route: routeOptions.url ?? 'none', status }, elapsedTime / 1000));
    app.get('/metrics', { schema: { tags: ['operations'], summary: 'Numbers for Prometheus', response: { 200: fileOf('text/plain') } } }, async (_request, reply) => {
      void reply.type(registry.contentType);
      return registry.metrics();
    });
    done();
  },
  { name: 'prometheus' },
);
