/** /health */
import type { App } from '../app.ts';
import { Live, Ready } from '../schemas/health.ts';
import { liveProcesses } from '../store/processes.ts';

const tags = ['operations'];

interface Part {
  readonly ok: boolean;
  readonly reason?: string;
  readonly device?: string;
}

export function healthRoutes(app: App, _options: object, done: () => void): void {
  const { store, tagger } = app.dependencies;

  app.get('/health/live', { schema: { tags, summary: 'Whether the process answers', response: { 200: Live } } }, () => ({ status: 'live' as const }));

  app.get('/health/ready', { schema: { tags, summary: 'Whether database, worker and tagger are there', response: { 200: Ready, 503: Ready } } }, async (_request, reply) => {
    const database = await check(async () => {
      await store.$queryRaw`select 1`;
      return { ok: true };
    });
    const worker = await check(async () => {
      if (!database.ok) return { ok: false, reason: 'only the database knows, which does not answer' };
      const [first] = await liveProcesses(store, 'worker');
      return first === undefined ? { ok: false, reason: 'no worker has shown itself for a minute' } : { ok: true, device: first.device };
    });
    const tagging = await check(() => tagger.ready());
    const isReady = database.ok && worker.ok && tagging.ok;
    return reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not ready', database, worker, tagger: tagging });
  });
  done();
}

async function check(look: () => Promise<Part>): Promise<Part> {
  try {
    return await look();
  } catch {
    return { ok: false, reason: 'it does not answer' };
  }
}
