/**
 * Ends all connections with the server once what they asked for is answered. Node (20.20) takes a connection whose client has left a stream for a
 * busy one and keeps it for 72 s, so that closing idle ones is not enough.
 */
import fp from 'fastify-plugin';

const LOOK_MS = 50;

export const connections = fp(
  (app, _options, done) => {
    let underWay = 0;
    app.addHook('onRequest', (_request, reply, next) => {
      underWay++;
      reply.raw.once('close', () => underWay--); // onResponse does not come where the client has left a stream
      next();
    });
    app.addHook('preClose', (closed) => {
      const looking = setInterval(() => {
        if (underWay === 0) app.server.closeAllConnections();
      }, LOOK_MS);
      app.server.once('close', () => clearInterval(looking));
      closed();
    });
    done();
  },
  { name: 'connections' },
);
