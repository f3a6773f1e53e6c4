/** Ends event streams before the server closes: an open stream would keep it from that. */
import fp from 'fastify-plugin';

export const eventFeed = fp(
  (app, _options, done) => {
    app.addHook('preClose', async () => app.dependencies.events.close());
    done();
  },
  { name: 'event-feed' },
);
